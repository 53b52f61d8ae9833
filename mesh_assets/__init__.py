"""Mesh Assets: a complete, current and honest picture of Kafka estates, as Dagster assets."""
