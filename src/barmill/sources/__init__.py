"""Where prices come from, and the only ways to write them below `data/`."""
