"""The service next to the clusters, for programs: what is known, as metrics; whether all is well; and
discoveries for holders of a token (docs/service.md).

Imports neither Dagster nor mcp: it must be light enough to run alongside everything else.
"""
