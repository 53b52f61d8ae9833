"""The metrics of a cluster: one vocabulary, several sources.

Offsets (offsets.py) are read everywhere; time lag (time_lag.py) comes from kept readings of them. What a
platform measures itself (confluent_cloud.py, cloudwatch.py) is a `Measurement` (measuring.py), and merging.py
puts both together.
"""
