"""The events: how a cluster's state is published safely, and read back.

discovery.py turns a run's sections into the next snapshot, and report.py sums it up. commit.py is the protocol,
publisher.py is Kafka, reader.py reads back, events.py says what an event is. The Avro schemas are in `avro/`, and
avro_form.py alone knows their form of the events. repair.py shows what keeps a cluster from being published.

May import everything below it: `errors` to `collecting`, and of `sensing` what a run takes from the inbox.
"""
