"""A stand-in for Confluent Cloud's HTTP interfaces, for the one cluster `data-mesh-cluster`. It is not
Confluent Cloud and says so.

Written from Confluent's published OpenAPI (connect/v1, cmk/v2, srcm/v3, org/v2, Metrics v2) and the
documentation of Schema Registry's API. What is behind it is real: a broker, a registry's content, connectors
that write. `docs/sandbox.md` says what it can be told.
"""
