"""Split protocols: which utterances train, which validate, which test. A protocol a file."""
