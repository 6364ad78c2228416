"""A model file, read once into a Model without running anything that it holds."""
