"""Data products: topics that are kept and used as one thing. We find them in the mesh; people decide about
them.

Candidates follow from domains, owners, lineage and shared keys. People's decisions in the estate always win.
"""
