"""Loops that numba compiles (`barmill[research]`); each is imported only by what is about to run it.

This module imports nothing: whoever asks where a kernel's source lies, as the digest of a target's code does, imports it.
"""
