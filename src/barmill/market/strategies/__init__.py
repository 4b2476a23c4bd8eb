"""Strategies: families of rules, the grid of their parameters, and what a rule sees of a series."""
