"""Articles -> objects named by their hash, and an index that can be thrown away."""
