"""The commands of `mesh-assets esm`: plans, changes, login, connection tests and proofs of event source mappings."""
