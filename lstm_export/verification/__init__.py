"""What a file is, whether it may run, and whether it computes what its model defines."""
