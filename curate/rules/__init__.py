"""Rows to findings: one small function per rule, and the table of them all."""
