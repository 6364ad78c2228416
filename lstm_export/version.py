"""The version of this package, its command line, its public names and what it writes."""

__version__ = "0.1.0"
