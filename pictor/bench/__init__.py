"""Benchmarks: `make bench [WHAT=part]`. Each figure stands beside its goal; no test asserts a time."""
