"""The page of a research: its parts, and the charts in them."""
