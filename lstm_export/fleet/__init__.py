"""Many models at once: packaged or verified by several processes, each failure told by its name."""
