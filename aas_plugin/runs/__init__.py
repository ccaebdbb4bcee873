"""A run: its folder, its loop, its history and its results."""
