"""The metrics of a cluster: one vocabulary, several sources.

Offsets (offsets.py) can be read everywhere, and time lag (time_lag.py) comes from kept readings of them. What
a platform measures itself (confluent_cloud.py, cloudwatch.py) is a `Measurement` (measurements.py) and
completes the offsets' figures. collecting/metrics_section.py puts the section together.
"""
