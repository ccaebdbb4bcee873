"""Parts that every training script needs."""
