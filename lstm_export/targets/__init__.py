"""One module a target: how a model is written in a format, loaded from it and read back."""
