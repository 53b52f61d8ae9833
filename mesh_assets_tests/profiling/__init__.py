"""Profiles: what a sample says of a topic."""
