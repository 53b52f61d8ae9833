"""A Dagster project of another team, which builds on the topics of a Kafka estate."""
