"""The estate every sandbox holds, as definitions: nothing here contacts a server."""

from mesh_assets.sandbox.estate.clusters import PLANTED_PASSWORD, REFERENCED_PASSWORD
from mesh_assets.sandbox.estate.expectations import EXPECTED, Expectations

__all__ = ["EXPECTED", "PLANTED_PASSWORD", "REFERENCED_PASSWORD", "Expectations"]
