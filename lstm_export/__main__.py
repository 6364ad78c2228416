"""`python -m lstm_export` is `lstm-export`."""

from .cli import main

if __name__ == "__main__":
    main()
