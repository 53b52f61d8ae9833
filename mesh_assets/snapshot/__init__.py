"""The events: how a cluster's state is published safely, and read back.

discovery.py turns a run's sections into the next snapshot, and report.py sums it up. commit.py is the
protocol, publisher.py talks to Kafka, reader.py reads back. repair.py shows what keeps a cluster from being
published.

May import everything below it: `errors` to `collecting`, and from `sensing` what a run takes from the inbox.
"""
