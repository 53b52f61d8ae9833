"""Cheap observations of a cluster between discoveries: differences from the latest document, as causes.

`observe_schemas`, `observe_connectors` and `observe_resources` (one module each) say what to observe;
`observe_cluster` (observation.py) calls them with the latest document and open clients.
"""
