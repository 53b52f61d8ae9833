"""The rules of Kafka event source mappings, checked before any call: botocore itself checks names, types and
minimums only.

`create_findings` and `update_findings` give all that is wrong, and what is worth knowing, at once.
"""

from mesh_assets.esm.validation.check import create_findings, require_no_fault, update_findings

__all__ = ["create_findings", "require_no_fault", "update_findings"]
