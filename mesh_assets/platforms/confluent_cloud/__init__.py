"""Confluent Cloud's own HTTP interfaces: its keys and what its clients share, control plane, Metrics API,
Flink.

Its managed connectors are in `platforms/connect`, with those of every other Connect endpoint.
"""
