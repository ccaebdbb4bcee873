"""CAL: calibrated, constrained average linkage, as a refiner and as a sampler (ours)."""
