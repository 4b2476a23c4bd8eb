"""The project over HTTP: read what was built, trigger an update."""
