"""From a table to a trained model: series, windows, fit."""
