"""Filling the servers with the estate: each step does only what is missing."""
