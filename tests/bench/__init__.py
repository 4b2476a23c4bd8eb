"""Benchmarks: `python -m tests.bench` runs them all and prints Markdown tables; nothing here fails for being slow."""
