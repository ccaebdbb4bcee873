"""Answers, the constraints they make, and pseudo-labels that satisfy them."""
