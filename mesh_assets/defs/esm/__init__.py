"""Event source mappings in Dagster: the asset of all of them, and jobs that change one."""
