"""The events: what is published of a cluster, safely, and how it is read back.

Public: `publish_snapshot`, `Published` (commit.py: the protocol); `open_publisher` (publisher.py: Kafka);
`read_newest_snapshot` (reader.py); `retire_snapshot` (retire.py); `DiscoveryEvent`, `ChangeEvent`,
`document_of`, `leading_trigger` (events.py); the Avro schemas in `avro/` and their form of the events
(avro_form.py). `Publisher` (publishing.py) and `Clock` (clock.py) are what the protocol needs from outside.
`publish_discovery` (discovery.py) makes the snapshot of a run's sections, `DiscoveryReport` (report.py) is
what it says at its end.
"""
