"""`KafkaEstateComponent` as a project uses it: YAML, a state, assets."""

import asyncio
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster.components.testing.utils import DefsFolderSandbox, create_defs_folder_sandbox

from mesh_assets.components import KafkaEstateComponent
from mesh_assets.components.mounted import read_mounted
from mesh_assets.components.refreshing import refresh_states
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.components.a_shop import a_shop
from mesh_assets_tests.documents import a_topic
from mesh_assets_tests.published import publish

# From Dagster itself, when it loads a component's YAML.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated"),
    pytest.mark.filterwarnings("ignore:.*is currently in beta"),
]

ALL = {
    "warehouse/topics/orders",
    "warehouse/topics/refunds",
    "warehouse/connectors/orders-sink",
    "warehouse/consumer_groups/fraud-detection",
}


@pytest.fixture
def project() -> Iterator[DefsFolderSandbox]:
    with create_defs_folder_sandbox() as project:
        yield project


def _with_yaml(project: DefsFolderSandbox, **attributes: Any) -> Path:
    return project.scaffold_component(
        KafkaEstateComponent,
        defs_yaml_contents={"type": "mesh_assets.components.KafkaEstateComponent", "attributes": attributes},
    )


def _keys(definitions: dg.Definitions) -> set[str]:
    return {spec.key.to_user_string() for spec in definitions.resolve_all_asset_specs()}


def _refreshed(project: DefsFolderSandbox, path: Path) -> dg.Definitions:
    with project.load_component_and_build_defs(path) as (component, _):
        assert isinstance(component, KafkaEstateComponent)
        asyncio.run(component.refresh_state(project.project_root))
    with project.load_component_and_build_defs(path) as (_, definitions):
        return definitions


@pytest.mark.usefixtures("store")
def test_the_scaffolded_file_works_as_it_is(
    project: DefsFolderSandbox, location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MESH_STORE", location)
    path = project.scaffold_component(KafkaEstateComponent)

    assert yaml.safe_load((path / "defs.yaml").read_text())["attributes"] == {
        "store": "{{ env.MESH_STORE }}",
        "include": ["*/topics/*"],
        "defs_state": {"management_type": "LOCAL_FILESYSTEM"},
    }
    assert _keys(_refreshed(project, path)) == {"warehouse/topics/orders", "warehouse/topics/refunds"}


def test_without_a_state_there_is_no_asset_and_a_sentence(
    project: DefsFolderSandbox, location: str, caplog: pytest.LogCaptureFixture
) -> None:
    with project.load_component_and_build_defs(_with_yaml(project, store=location)) as (_, definitions):
        assert _keys(definitions) == set()

    assert "has no state yet: dg utils refresh-defs-state writes it" in caplog.text


def test_a_store_without_documents_gives_no_asset_and_says_why(
    project: DefsFolderSandbox, location: str, caplog: pytest.LogCaptureFixture
) -> None:
    definitions = _refreshed(project, _with_yaml(project, store=location, clusters=["warehouse"]))

    assert _keys(definitions) == set()
    assert "warehouse: nothing has been discovered into" in caplog.text


@pytest.mark.usefixtures("store")
def test_what_exceeds_the_limit_is_reported(
    project: DefsFolderSandbox, location: str, caplog: pytest.LogCaptureFixture
) -> None:
    definitions = _refreshed(project, _with_yaml(project, store=location, limit=3))

    assert _keys(definitions) == ALL - {"warehouse/consumer_groups/fraud-detection"}
    assert "1 thing of the estate is left out over the limit of 3 assets" in caplog.text


def test_a_translation_changes_keys_and_what_depends_on_them(
    project: DefsFolderSandbox, store: InventoryStore, location: str
) -> None:
    definitions = _refreshed(
        project,
        _with_yaml(
            project,
            store=location,
            translation={
                "key": "kafka/{{ asset.kind }}/{{ asset.name }}",
                "group_name": "mesh",
                "metadata": {"team": "data"},
            },
        ),
    )

    specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    assert set(specs) == {key.replace("warehouse", "kafka") for key in ALL}
    sink = specs["kafka/connectors/orders-sink"]
    assert [dep.asset_key.to_user_string() for dep in sink.deps] == ["kafka/topics/orders"]
    assert (sink.group_name, sink.metadata["team"], sink.metadata["connect"]) == ("mesh", "data", "main")
    [mounted] = read_mounted(store.objects)
    assert mounted.renamed["warehouse/topics/orders"] == ("kafka", "topics", "orders")


@pytest.mark.usefixtures("store")
def test_a_translation_that_gives_two_things_one_key_is_refused(location: str) -> None:
    component = KafkaEstateComponent(
        store=location, translation=lambda spec, _: spec.replace_attributes(key=dg.AssetKey("one"))
    )

    with pytest.raises(ValueError, match=r"translation gives warehouse/topics/orders and .* one key, one;"):
        component.definitions_from_store()


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        ({"limit": 0}, "limit is 0; expected at least 1"),
        ({"limit": "many"}, "limit is many; expected at least 1"),
        ({"freshness": "maybe"}, "freshness is 'maybe'; expected true or false"),
        ({"clusters": "warehouse"}, "clusters is 'warehouse'; expected a list: ['warehouse']"),
        ({"include": "*/topics/*"}, "include is '*/topics/*'; expected a list: ['*/topics/*']"),
        ({"report_url": "https://x/{topic}"}, "{topic} is not a field here"),
        ({"things": ["brokers"]}, "things"),
        ({"topics": ["orders"]}, "topics"),
    ],
)
def test_a_wrong_attribute_is_refused_by_name(
    project: DefsFolderSandbox, location: str, attributes: dict[str, Any], sentence: str
) -> None:
    path = _with_yaml(project, store=location, **attributes)

    with pytest.raises(Exception) as refused, project.load_component_and_build_defs(path):  # noqa: PT011 - Dagster's own
        pass

    assert sentence in "".join(traceback.format_exception(refused.value))


def test_the_clusters_come_from_an_estate_file(store: InventoryStore, location: str, tmp_path: Path) -> None:
    estate = tmp_path / "estate.yaml"
    estate.write_text('clusters: {other: {kafka: {bootstrap_servers: "127.0.0.1:1"}}}')
    publish(store, a_shop(cluster=a_shop().cluster.__class__(id="lkc-2", name="other")))

    definitions = KafkaEstateComponent(store=location, estate=str(estate)).definitions_from_store()

    assert {key.partition("/")[0] for key in _keys(definitions)} == {"other"}


@pytest.mark.usefixtures("store")
def test_someone_who_may_only_read_the_store_sees_assets_and_a_warning(
    project: DefsFolderSandbox, location: str, caplog: pytest.LogCaptureFixture
) -> None:
    (Path(location) / "assets").write_text("a file where the folder should be")

    definitions = _refreshed(project, _with_yaml(project, store=location))

    assert _keys(definitions) == ALL
    assert "discoveries will not report records and checks of these assets" in caplog.text


@pytest.mark.usefixtures("store")
def test_loading_reads_the_store_and_writes_nothing(project: DefsFolderSandbox, location: str) -> None:
    path = _with_yaml(project, store=location)
    _refreshed(project, path)
    before = {file: file.read_bytes() for file in Path(location).rglob("*") if file.is_file()}

    with project.load_component_and_build_defs(path) as (_, definitions):
        assert _keys(definitions) == ALL
    assert _keys(KafkaEstateComponent(store=location).definitions_from_store()) == ALL

    assert {file: file.read_bytes() for file in Path(location).rglob("*") if file.is_file()} == before


@pytest.mark.slow
def test_a_discovery_refreshes_a_versioned_state_when_it_differs(
    project: DefsFolderSandbox,
    store: InventoryStore,
    location: str,
    tmp_path: Path,
) -> None:
    path = _with_yaml(project, store=location, defs_state={"management_type": "VERSIONED_STATE_STORAGE"})
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        storage = instance.defs_state_storage
        assert storage is not None
        assert _keys(_refreshed(project, path)) == ALL
        publish(store, a_shop(sequence=2))
        first = refresh_states(instance, store, clusters=["warehouse"])
        unchanged = refresh_states(instance, store, clusters=["warehouse"])
        document = a_shop(sequence=3)
        publish(
            store,
            a_shop(sequence=3).__class__(
                **{name: getattr(document, name) for name in document.__struct_fields__}
                | {"topics": (*document.topics, a_topic("returns"))}
            ),
        )
        changed = refresh_states(instance, store, clusters=["warehouse"])
        elsewhere = refresh_states(instance, store, clusters=["cloud"])

        with project.load_component_and_build_defs(path) as (_, definitions):
            assert _keys(definitions) == ALL | {"warehouse/topics/returns"}

    assert len(first) == 1  # Dagster gave the first state a version of its own
    assert unchanged == []
    assert len(changed) == 1
    assert "reload its code location" in changed[0]
    assert elsewhere == []


@pytest.mark.usefixtures("store")
def test_the_projects_own_definitions_show_the_estate(
    location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mesh_assets.definitions import defs

    (tmp_path / "estate.yaml").write_text(
        'clusters: {warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1"}}}'
    )
    monkeypatch.setenv("MESH_ESTATE", str(tmp_path / "estate.yaml"))
    monkeypatch.setenv("MESH_STORE", location)

    shown = _keys(defs())

    assert shown > ALL
    assert "discovery_snapshot" in shown


@pytest.mark.usefixtures("store")
def test_an_unreadable_store_affects_the_topics_and_not_the_jobs(
    location: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from mesh_assets.definitions import mesh

    (tmp_path / "estate.yaml").write_text(
        'clusters: {warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1"}}}'
    )
    monkeypatch.setenv("MESH_ESTATE", str(tmp_path / "estate.yaml"))
    monkeypatch.setenv("MESH_STORE", location)
    for document in Path(location).glob("inventories/*/inventory-*.json"):
        document.unlink()

    with caplog.at_level(logging.WARNING):
        assert _keys(mesh()) == set()

    assert "the estate's topics are not shown as assets" in caplog.text


@pytest.mark.usefixtures("store")
def test_a_code_server_serves_the_estates_things_and_a_runs_process_does_not_load_them(
    location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagster._core.definitions.definitions_load_context import DefinitionsLoadContext, DefinitionsLoadType
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
    from dagster._grpc.server import LoadedRepositories

    from mesh_assets.definitions import mesh

    (tmp_path / "estate.yaml").write_text(
        'clusters: {warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1"}}}'
    )
    monkeypatch.setenv("MESH_ESTATE", str(tmp_path / "estate.yaml"))
    monkeypatch.setenv("MESH_STORE", location)
    monkeypatch.setattr("mesh_assets.definitions._loaded", [])
    monkeypatch.setattr(DefinitionsLoadContext, "_instance", None)

    DefinitionsLoadContext.set(DefinitionsLoadContext(DefinitionsLoadType.RECONSTRUCTION))
    assert _keys(mesh()) == set()
    origin = LoadableTargetOrigin(module_name="mesh_assets.definitions", working_directory=str(tmp_path))
    server = LoadedRepositories(origin, None, ["dagster"], None)

    [repository] = server.definitions_by_name.values()
    served = {key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()}
    assert {"warehouse/topics/orders", "inventory/topics"} <= served


@pytest.mark.usefixtures("store")
def test_a_sensor_and_not_loading_informs_discoveries_of_what_the_definitions_show(
    store: InventoryStore, location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mesh_assets.definitions import defs
    from mesh_assets.defs.analysis import analysis_sensor

    (tmp_path / "estate.yaml").write_text(
        'clusters: {warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1"}}}'
    )
    monkeypatch.setenv("MESH_ESTATE", str(tmp_path / "estate.yaml"))
    monkeypatch.setenv("MESH_STORE", location)
    definitions = defs()
    loaded = read_mounted(store.objects)

    resources = {name: definitions.resources[name] for name in ("estate", "store")}  # type: ignore[index]
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_sensor_context(instance, resources=resources) as context,
    ):
        analysis_sensor()(context)
    [mounted] = read_mounted(store.objects)

    assert loaded == ()
    assert (mounted.selection.clusters, mounted.between_discoveries) == (("warehouse",), False)
    assert mounted.checks == ()
