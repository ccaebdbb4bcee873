"""A re-identification package in miniature."""
