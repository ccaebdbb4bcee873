"""What there is to set, and how files and flags are merged."""
