"""Event source mappings in Dagster: one asset for all of them, and the jobs that change or prove one."""
