"""Lineage: what feeds what, across every cluster of the estate. It is read from documents alone, without
asking any system again; each edge says how it is known, and what cannot be followed yields a note instead of
an edge."""
