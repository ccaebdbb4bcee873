"""Local features: keypoints of photos, and how well those of two photos match."""
