"""The rules of Kafka event source mappings, checked before any call.

botocore itself checks only names, types and minimums. `create_violations` and `update_violations` return all
faults and warnings at once.
"""

from mesh_assets.esm.validation.check import create_violations, require_no_fault, update_violations

__all__ = ["create_violations", "require_no_fault", "update_violations"]
