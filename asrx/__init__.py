"""asrx: a config-driven experiment framework for speech recognition."""
