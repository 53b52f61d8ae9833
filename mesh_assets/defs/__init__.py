"""Everything Dagster: assets, jobs, schedule, sensors, resources. Thin over the library."""
