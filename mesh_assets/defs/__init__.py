"""Everything Dagster: assets, jobs, schedule, sensors, resources. A thin layer over the library."""
