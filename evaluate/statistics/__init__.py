"""Paired results of two models to tests, intervals, and what a number of items can show."""
