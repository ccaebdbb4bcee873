"""Base methods: one folder each, known to nobody else."""
