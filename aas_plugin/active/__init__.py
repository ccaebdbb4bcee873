"""Active learning as one step; knows no plugin manager and no run."""
