"""The service beside the clusters, for programs: what is known as metrics, whether it is well, and discoveries for whoever has a
token (docs/service.md).

Imports neither Dagster nor mcp: it must be light enough to stand beside everything else.
"""
