"""One file with everything that a device needs: write, open, check."""
