"""lstm-export: take a PyTorch LSTM regressor to an edge device, with proof that it still computes the same thing."""

__version__ = "0.1.0"
