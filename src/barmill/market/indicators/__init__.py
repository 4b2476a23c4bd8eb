"""Technical indicators of daily bars: a table of definitions, and the series they make. Importing it costs numpy and TA-Lib."""
