"""The version of this package, its command line, its public names and what it writes."""

__version__ = "0.1.0"

# Of JSON that programs read: raised when a field changes its meaning or goes away; new fields may
# come at any time.
JSON_SCHEMA_VERSION = 1
