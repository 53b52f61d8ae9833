"""`KafkaEstateComponent`: one YAML file, and a project sees the topics, connectors and consumer groups of an estate.

It reads only the store of inventories, not Kafka. Discoveries report new records in the topics that it shows
(`components/reporting.py`), so assets that depend on them can run by `AutomationCondition.eager()`.
"""

import hashlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import dagster as dg
import msgspec
from dagster.components import DefsStateConfig, DefsStateConfigArgs, ResolvedDefsStateConfig
from dagster.components.scaffold.scaffold import Scaffolder, ScaffoldRequest
from dagster.components.utils.translation import TranslationFn, TranslationFnResolver

from mesh_assets.components.asset_specs import asset_spec, check_report_url
from mesh_assets.components.checks import asset_checks
from mesh_assets.components.estate_state import (
    EstateState,
    decode_state,
    encode_state,
    read_state,
)
from mesh_assets.components.mesh_asset import MeshAsset
from mesh_assets.components.mounted import Mounted, keep_mounted
from mesh_assets.components.names import DEFAULT_CHECKS, AssetKind, CheckName, Key
from mesh_assets.components.selection import ALL_KINDS, Selected, Selection, select_assets
from mesh_assets.errors import StoreError
from mesh_assets.fleet.loading import load_estate
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import DEFAULT_STORE, open_store

logger = logging.getLogger(__name__)

DEFAULT_LIMIT = 2_000
"""Each asset makes the code location slower to load, and its graph harder to read (docs/assets.md has figures)."""


class KafkaEstateScaffolder(Scaffolder):
    """Writes a `defs.yaml` that works where MESH_STORE does."""

    def scaffold(self, request: ScaffoldRequest) -> None:
        dg.scaffold_component(
            request,
            {
                "store": "{{ env.MESH_STORE }}",
                "include": ["*/topics/*"],
                "defs_state": {"management_type": "LOCAL_FILESYSTEM"},
            },
        )


@dg.scaffold_with(KafkaEstateScaffolder)
@dataclass
class KafkaEstateComponent(dg.StateBackedComponent, dg.Resolvable):
    """The topics, connectors and consumer groups of a Kafka estate, as external assets.

    `store`: where discoveries keep their documents, a folder or the address of a bucket, in the form of
    MESH_STORE; default: MESH_STORE, else `.mesh`.
    `clusters`: names of the estate; default: those of the file `estate` if one is named, else all that the store knows.
    `things`: `topics`, `connectors`, `consumer_groups`, `datasets`, `functions`. `include`, `exclude`: shell patterns of keys, such as
    `warehouse/topics/orders*`. `limit`: the most assets; a warning says what is left out.
    `checks`: for each asset: `findings` for all of its findings together, or kinds of findings (docs/findings.md); each
    makes the location slower to load. `freshness`: whether topics whose usual gap between records is known have a policy.
    `report_url`: a link for each asset, with {page} (`https://host/mesh.html#{page}` leads into the report), {cluster}, {kind} and {name}.
    `translation`: changes each asset's spec; it knows `asset` and `spec`.
    """

    store: str | None = None
    estate: str | None = None
    clusters: Sequence[str] | None = None
    things: Sequence[AssetKind] = ALL_KINDS
    include: Sequence[str] = ("*",)
    exclude: Sequence[str] = ()
    limit: int = DEFAULT_LIMIT
    checks: Sequence[CheckName] = DEFAULT_CHECKS
    freshness: bool = True
    report_url: str | None = None
    translation: (
        Annotated[
            TranslationFn[MeshAsset],
            TranslationFnResolver(template_vars_for_translation_fn=lambda asset: {"asset": asset}),
        ]
        | None
    ) = None
    defs_state: ResolvedDefsStateConfig = field(default_factory=DefsStateConfigArgs.local_filesystem)

    def __post_init__(self) -> None:
        for name in ("clusters", "things", "include", "exclude", "checks"):
            value = getattr(self, name)
            if isinstance(value, str):  # Dagster takes a text for a list of letters
                raise ValueError(f"{name} is {value!r}; expected a list: [{value!r}]")
        if not isinstance(self.limit, int) or self.limit < 1:
            raise ValueError(f"limit is {self.limit}; expected at least 1")
        if not isinstance(self.freshness, bool):
            raise ValueError(f"freshness is {self.freshness!r}; expected true or false")
        if self.report_url is not None:
            check_report_url(self.report_url)

    @property
    def defs_state_config(self) -> DefsStateConfig:
        return DefsStateConfig.from_args(
            self.defs_state, default_key=state_key(self._location, self._selection)
        )

    def write_state_to_path(self, state_path: Path) -> None:
        """Raises StoreError, and EstateError when `estate` cannot be read."""
        store = self._store()
        state = read_state(store, self._clusters)
        state_path.write_bytes(encode_state(state))
        self._mount(store, self._select(state))

    def build_defs_from_state(
        self,
        context: dg.ComponentLoadContext,  # noqa: ARG002 - Dagster names it
        state_path: Path | None,
    ) -> dg.Definitions:
        """Raises DamagedError when the state is of another version."""
        if state_path is None:
            logger.warning("KafkaEstateComponent has no state yet: dg utils refresh-defs-state writes it")
            return dg.Definitions()
        return self._definitions(self._select(decode_state(state_path.read_bytes(), source=str(state_path))))

    def definitions_from_store(self) -> dg.Definitions:
        """The assets of the newest documents, for definitions built in Python that keep no state in between. Writes
        nothing: `own_definitions` tells discoveries what to report. Raises StoreError and EstateError."""
        return self._definitions(self._select(read_state(self._store(), self._clusters)))

    def _store(self) -> InventoryStore:
        return InventoryStore(open_store(self._location))

    @property
    def _location(self) -> str:
        return self.store or os.environ.get("MESH_STORE") or DEFAULT_STORE

    @property
    def _clusters(self) -> tuple[str, ...] | None:
        if self.clusters is not None:
            return tuple(self.clusters)
        return None if self.estate is None else tuple(load_estate(Path(self.estate)).clusters)

    @property
    def _selection(self) -> Selection:
        return Selection(
            clusters=self._clusters,
            kinds=tuple(self.things),
            include=tuple(self.include),
            exclude=tuple(self.exclude),
        )

    def _select(self, state: EstateState) -> Selected:
        return select_assets(state, self._selection, limit=self.limit)

    def _definitions(self, selected: Selected) -> dg.Definitions:
        for note in selected.notes:
            logger.warning("%s", note)
        specs = {asset.key: self._spec(asset) for asset in selected.assets}
        # Two components of a project may show the same cluster; their checks need different names.
        name = f"findings_{hashlib.sha256(self.defs_state_config.key.encode()).hexdigest()[:8]}"
        checks = asset_checks(
            name, ((asset, specs[asset.key].key) for asset in selected.assets), self.checks, self._store
        )
        return dg.Definitions(assets=list(_renamed(specs)), asset_checks=list(checks))

    def _spec(self, asset: MeshAsset) -> dg.AssetSpec:
        spec = asset_spec(asset, report_url=self.report_url, freshness=self.freshness)
        return spec if self.translation is None else self.translation(spec, asset)

    def _mount(self, store: InventoryStore, selected: Selected) -> None:
        """Lets discoveries know which topics to report. Whoever may only read the store still sees assets."""
        if not selected.assets:
            return
        renamed = {}
        if self.translation is not None:
            for asset in selected.assets:
                key = tuple(self._spec(asset).key.path)
                if key != asset.key:
                    renamed["/".join(asset.key)] = key
        mounted = Mounted(
            component=self.defs_state_config.key,
            selection=self._selection,
            checks=tuple(self.checks),
            renamed=renamed,
        )
        try:
            keep_mounted(store.objects, mounted)
        except StoreError as error:
            logger.warning(
                "discoveries will not report records and checks of these assets, because the store could not be written: %s",
                error,
            )


def state_key(location: str, selection: Selection) -> str:
    """The key under which Dagster keeps the state and the store keeps what is shown, unless `defs_state` names one. It
    consists of the store (with an absolute folder, whatever the working directory) and the selection, if any."""
    place = location if "://" in location else str(Path(location).resolve())
    selected = (
        ""
        if selection == Selection()
        else f"#{hashlib.sha256(msgspec.json.encode(selection)).hexdigest()[:8]}"
    )
    return f"KafkaEstateComponent[{place}{selected}]"


def _renamed(specs: Mapping[Key, dg.AssetSpec]) -> Iterator[dg.AssetSpec]:
    """The specs, depending on each other under the keys that the translation chose.

    Raises ValueError when it gives two assets one key.
    """
    new = {dg.AssetKey(key): spec.key for key, spec in specs.items()}
    taken: dict[dg.AssetKey, dg.AssetKey] = {}
    for old, key in new.items():
        if key in taken:
            raise ValueError(
                f"translation gives {taken[key].to_user_string()} and {old.to_user_string()} one key, {key.to_user_string()}; "
                "make it differ, by {{ asset.name }} for instance"
            )
        taken[key] = old
    for spec in specs.values():
        if any(new.get(dep.asset_key, dep.asset_key) != dep.asset_key for dep in spec.deps):
            yield spec.replace_attributes(deps=[new.get(dep.asset_key, dep.asset_key) for dep in spec.deps])
        else:
            yield spec
