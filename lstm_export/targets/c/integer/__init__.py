"""A model in whole numbers: its one definition, how it is made of a float model, what it costs."""
