"""What was built, read back: bars by symbol and time."""
