"""Another team's Dagster project, which builds on the topics of a Kafka estate."""
