"""The events: how a cluster's state is published safely, and read back.

Public: `publish_discovery` (discovery.py) turns a run's sections into the next snapshot, and
`DiscoveryReport` (report.py) sums it up. `publish_snapshot`, `Published` and what they need of a `Publisher`
are in commit.py, the protocol; `open_publisher` and `retire_snapshot` in publisher.py, which is Kafka;
`read_newest_snapshot` in reader.py. `DiscoveryEvent`, `ChangeEvent`, `document_of` and `leading_trigger` are
in events.py. The Avro schemas are in `avro/`, and avro_form.py alone knows their form of the events. `notify`
(notifications.py) tells people.

May import everything below it: `errors` to `collecting`, and of `sensing` what a run takes from the inbox.
"""
