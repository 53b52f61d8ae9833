"""The cluster that stands for one on Confluent Cloud: what it is called there."""

CLUSTER = "data-mesh-cluster"
CLUSTER_ID = "lkc-nd1ng3"
ENVIRONMENT_ID = "env-7zpqx1"
ENVIRONMENT_NAME = "agentic-data-mesh"
