"""Training rows to what leaks into a measurement: the test split, and the benchmarks that will judge the model."""
