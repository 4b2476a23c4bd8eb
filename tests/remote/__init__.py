"""The remote store against real servers, and against all that can go wrong with one."""
