"""Which image pairs to ask about."""
