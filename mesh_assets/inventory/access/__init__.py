"""Checking an estate: what answers, as whom, with what rights, and what discovery would miss."""

from mesh_assets.inventory.access.check import check_estate
from mesh_assets.inventory.access.findings import AccessFinding

__all__ = ["AccessFinding", "check_estate"]
