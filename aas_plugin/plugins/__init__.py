"""Finding plugins, and what they register by name."""
