"""Rules by connector class, a file a family: what a config says of the systems behind a connector."""

from mesh_assets.connector_rules.registry import rule_of

__all__ = ["rule_of"]
