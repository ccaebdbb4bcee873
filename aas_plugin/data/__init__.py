"""Image catalogues, where they come from, and how images are read and split."""
