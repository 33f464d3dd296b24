"""The embedded default: a small world, a small model that knows it, a narrow task, and a gate between the two."""
