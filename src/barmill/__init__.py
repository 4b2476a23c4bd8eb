"""barmill: a build system for market data on top of doit, with content-addressed artifacts."""

__version__ = "0.1.0"
