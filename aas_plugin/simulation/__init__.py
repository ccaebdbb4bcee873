"""Active learning on features that stay as they are: no training, so that samplers are compared in seconds."""
