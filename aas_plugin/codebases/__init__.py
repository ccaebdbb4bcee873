"""Driving existing training scripts without editing them."""
