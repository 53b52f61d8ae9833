"""Checking an estate: what answers, as whom, with what rights, and what discovery would miss.

Only `estate check` uses it. Imports `estate`, `platforms` and `inventory`.
"""

from mesh_assets.access_checks.access_check import AccessCheck
from mesh_assets.access_checks.check import check_estate

__all__ = ["AccessCheck", "check_estate"]
