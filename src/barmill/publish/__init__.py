"""Databases that indicators are published into: rows as the artifacts have them, and a ledger that vouches for each symbol."""
