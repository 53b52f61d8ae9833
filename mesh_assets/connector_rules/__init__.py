"""Rules by connector class, one file per family: what a config says about the systems behind a connector."""

from mesh_assets.connector_rules.registry import rule_of

__all__ = ["rule_of"]
