"""Refreshes, after discoveries and analyses, the state of components that keep it in Dagster's versioned storage.

A state in a local file belongs to the machine or image of its project, so only `dagster dev` and
`dg utils refresh-defs-state` there can refresh it.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import dagster as dg

from mesh_assets.components.mounted import read_mounted
from mesh_assets.errors import MeshError
from mesh_assets.importing import importing
from mesh_assets.inventory.document import sha256
from mesh_assets.inventory.wording import one_line
from mesh_assets.masking.unexpected import masked, sentence
from mesh_assets.store.inventories import InventoryStore

_VERSIONED = "VERSIONED_STATE_STORAGE"
_REASON_CHARACTERS = 300


def refresh_states(
    instance: dg.DagsterInstance, store: InventoryStore, *, clusters: Iterable[str]
) -> list[str]:
    """Uploads the state of every component that shows one of the clusters from versioned storage, if it differs; a code
    location shows it after a reload. A sentence for each that was refreshed, or could not be; never fails."""
    storage = instance.defs_state_storage
    if storage is None:
        return []
    said, of = [], set(clusters)
    try:
        info = storage.get_latest_defs_state_info()
        known = {} if info is None else info.info_mapping
        for mounted in read_mounted(store.objects):
            shown, kept = mounted.selection.clusters, known.get(mounted.component)
            if kept is None or kept.management_type.value != _VERSIONED:
                continue
            if shown is not None and of.isdisjoint(shown):
                continue
            data = _state(store, shown)
            version = sha256(data)
            if kept.version != version:
                _upload(instance, mounted.component, version, data)
                said.append(f"the state of {mounted.component} has been refreshed; reload its code location")
    except MeshError as error:
        said.append(f"the state of components could not be refreshed: {sentence(error)}")
    return said


def _state(store: InventoryStore, clusters: tuple[str, ...] | None) -> bytes:
    with importing:
        # Lineage and all its rules, for the few discoveries that need them.
        from mesh_assets.components.estate_state import encode_state, read_state
    return encode_state(read_state(store, clusters))


def _upload(instance: dg.DagsterInstance, key: str, version: str, data: bytes) -> None:
    """Raises MeshError."""
    storage, reason = instance.defs_state_storage, None
    assert storage is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "state")
        path.write_bytes(data)
        try:
            storage.upload_state_from_path(key, version=version, path=path)
        except Exception as error:  # from whatever storage the instance has
            reason = f"{type(error).__name__}: {one_line(str(masked(error)), most=_REASON_CHARACTERS)}"
    if (
        reason is not None
    ):  # outside the handler: otherwise the original error, which may hold a password, would be its context
        raise MeshError(f"Dagster could not keep the state of {key}: {reason}")
