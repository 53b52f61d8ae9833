"""A stand-in for Confluent Cloud's HTTP interfaces, for one cluster, `data-mesh-cluster`. Every answer says what it is.

It was written from Confluent's published OpenAPI (connect/v1, cmk/v2, srcm/v3, org/v2, Metrics v2) and the
documentation of Schema Registry's API. Behind it are real things: a broker, a registry's content, connectors
that write. `docs/sandbox.md` lists the faults that it can be told to show.
"""
