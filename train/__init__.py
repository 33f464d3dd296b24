"""Kept examples and a base model to a tuned model."""
