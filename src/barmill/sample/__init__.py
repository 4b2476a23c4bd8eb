"""Made market data: Stooq's tree with its quirks, brokers' lists, a minute series; every price is invented.

The same seed gives the same bytes in every process and Python version: numbers come from `random.Random.random` alone,
seeded with a text per file, and from arithmetic that IEEE 754 rounds in one way only.
"""
