"""Event source mappings in Dagster: the asset of all of them, and the jobs that change or prove one."""
