"""Where prices come from: providers, and the only writers into `data/`."""
