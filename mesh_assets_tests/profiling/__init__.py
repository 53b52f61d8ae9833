"""Profiles: what a sample says about a topic."""
