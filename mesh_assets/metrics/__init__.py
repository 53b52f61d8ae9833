"""The metrics of a cluster: one vocabulary, several sources.

Offsets (offsets.py) can be read everywhere, and time lag (time_lag.py) comes from kept readings of them. A
platform's own metrics (confluent_cloud.py, cloudwatch.py) are a `Measurement` (measurements.py) and complete
the offsets' figures. collecting/metrics_section.py puts the section together.
"""
