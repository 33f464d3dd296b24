"""Models and items to scores, two scores to a comparison, a comparison to a verdict."""
