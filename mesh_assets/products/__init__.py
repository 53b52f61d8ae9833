"""Data products: topics that are kept and used as one thing, found in the mesh and decided about by people.

Candidates follow from domains, owners, lineage and shared keys. What people decide in the estate wins, from run to run.
"""
