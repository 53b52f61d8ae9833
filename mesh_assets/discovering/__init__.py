"""A whole discovery as one call, without Dagster: what its job and `mesh-assets discover` have in common, and what of a
discovery that no run of Dagster made its UI is to show later."""
