"""Labelled rows to the rows whose label is probably wrong, ranked, with how many of them are expected to be."""
