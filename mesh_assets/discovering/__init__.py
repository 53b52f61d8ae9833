"""A whole discovery as one call, without Dagster: what its job and `mesh-assets discover` have in common, and what
Dagster's UI is to show later of a discovery that was not one of its runs."""
