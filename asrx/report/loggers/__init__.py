"""Lightning's loggers, kept inside the run folder; `log_results` is called once the run folder is complete."""

MAX_ROWS = 200  # of a table of errors or predictions
