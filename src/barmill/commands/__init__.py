"""The commands that know the market: doit plugins, a file each."""
