"""The near-duplicate engine: texts to verified pairs of near-duplicates, in memory or against an index on disk."""
