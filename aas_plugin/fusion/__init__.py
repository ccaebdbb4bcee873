"""Evidence about pairs beside the features, and how likely all of it makes two images the same."""
