"""Targets built by a Dask cluster: what is sent, who gets it, the way there and back, and the other end."""
