"""From features to neighbours, distances and labels: arrays in, arrays out."""
