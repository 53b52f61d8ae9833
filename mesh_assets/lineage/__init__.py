"""Lineage: what feeds what, over every cluster of the estate. Read from documents alone, without asking any system
again; an edge says how it is known, and what cannot be followed gives a note instead of an edge."""
