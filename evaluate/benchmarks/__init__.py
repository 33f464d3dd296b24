"""Names of benchmarks to items, and the model's answers to scored rows."""
