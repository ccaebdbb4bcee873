"""What base methods share when they train."""
