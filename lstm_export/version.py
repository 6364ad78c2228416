"""The version of this package: of its command line, its public names, and what it writes into files."""

__version__ = "0.1.0"
