"""Whether production recordings are still what a model was tested on."""
