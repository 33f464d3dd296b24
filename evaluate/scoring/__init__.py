"""Requests to a causal model's answers, every shared token computed once, nothing asked twice."""
