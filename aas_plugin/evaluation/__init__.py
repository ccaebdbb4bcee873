"""How good features and pseudo-labels are."""
