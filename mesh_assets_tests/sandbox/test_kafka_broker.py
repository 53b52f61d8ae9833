"""Brokers: their properties and storage, and who may do what at the one that requires keys."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from mesh_assets.sandbox.credentials import Key, sandbox_keys
from mesh_assets.sandbox.estate import EXPECTED
from mesh_assets.sandbox.estate.clusters import CLUSTER_ID
from mesh_assets.sandbox.folder import Folder
from mesh_assets.sandbox.java import JavaRuntime
from mesh_assets.sandbox.kafka_admin import Login, quiet_settings
from mesh_assets.sandbox.kinds.kafka_broker import Broker, Listener, broker_properties, broker_server
from mesh_assets.sandbox.progress import Lines
from mesh_assets.sandbox.server import Setting
from mesh_assets.sandbox.servers import Sandbox
from mesh_assets.sandbox.state import Port, State

A_BROKER = Broker(
    name="edge",
    title="two ways in",
    listeners=(
        Listener(name="OPEN", port="edge"),
        Listener(
            name="KEYED",
            port="edge-keyed",
            protocol="SASL_PLAINTEXT",
            properties=lambda setting: {"keyed.in": setting.folder.root.name},
        ),
    ),
    controller=Listener(name="QUORUM", port="edge-quorum"),
    cluster_id=lambda state: state.kafka_cluster_id,
    properties=lambda setting: {"super.users": "User:root"},  # noqa: ARG005
    seed=lambda setting, progress: None,  # noqa: ARG005
)


def test_listeners_and_their_needs_are_in_the_properties(tmp_path: Path) -> None:
    ports = {"edge": Port(1), "edge-keyed": Port(2), "edge-quorum": Port(3)}
    setting = Setting(folder=Folder(tmp_path / "box"), state=State(kafka_cluster_id="id", ports=ports))

    lines = [line for line in broker_properties(A_BROKER, setting).splitlines() if not line.startswith("#")]
    written = dict(line.split("=", 1) for line in lines)

    assert len(written) == len(lines), "a property stands there twice"
    addresses = "OPEN://127.0.0.1:1,KEYED://127.0.0.1:2,QUORUM://127.0.0.1:3"
    assert (written["listeners"], written["advertised.listeners"]) == (addresses, addresses)
    assert written["listener.security.protocol.map"] == "OPEN:PLAINTEXT,KEYED:SASL_PLAINTEXT,QUORUM:PLAINTEXT"
    assert written["inter.broker.listener.name"] == "OPEN"
    assert written["controller.listener.names"] == "QUORUM"
    assert written["controller.quorum.voters"] == "1@127.0.0.1:3"
    assert (written["super.users"], written["keyed.in"]) == ("User:root", "box")
    assert written["log.dirs"] == str(tmp_path / "box" / "data" / "edge")


# Like `StorageTool format … -c FILE`.
FORMATS = """\
#!/bin/sh
for last; do :; done
data=$(sed -n 's/^log.dirs=//p' "$last")
mkdir -p "$data"
echo features > "$data/bootstrap.checkpoint"
echo version=1 > "$data/meta.properties"
"""


def test_the_first_broker_is_formatted_by_kafkas_tool_and_every_later_one_by_its_output(
    tmp_path: Path,
) -> None:
    tool = tmp_path / "java"
    tool.write_text(FORMATS)
    tool.chmod(0o755)
    java = JavaRuntime(
        java=tool,
        kafka_jars=(),
        plugin_jar=tmp_path,
        registry_home=tmp_path,
        bootstrap_checkpoint=tmp_path / "cache" / "kafka.checkpoint",
    )
    prepare = broker_server(A_BROKER).prepare
    assert prepare is not None
    lines: list[str] = []
    for name in ("first", "second", "second"):
        folder = Folder(tmp_path / name)
        folder.make()
        ports = {"edge": Port(1), "edge-keyed": Port(2), "edge-quorum": Port(3)}
        setting = Setting(folder=folder, state=State(kafka_cluster_id="id", ports=ports))
        (folder.config / "edge.properties").write_text(broker_properties(A_BROKER, setting))
        prepare(setting, java, Lines(lines.append))
        assert (folder.data / "edge" / "bootstrap.checkpoint").read_text() == "features\n"
    assert lines == ["formatting the storage of edge"]
    identity = dict(
        line.split("=", 1) for line in (folder.data / "edge" / "meta.properties").read_text().splitlines()
    )
    assert (identity["version"], identity["cluster.id"], identity["node.id"]) == ("1", "id", "1")
    assert len(identity["directory.id"]) == 22


def test_keys_are_created_once_and_only_the_user_can_read_them(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    keys = sandbox_keys(folder)
    assert sandbox_keys(folder) == keys
    assert stat.S_IMODE(folder.env_file.stat().st_mode) == 0o600
    assert keys.cloud.secret not in repr(keys)
    assert len({keys.cloud.id, keys.kafka.id, keys.schema_registry.id, keys.unprivileged_kafka.id}) == 4


Client = Callable[[Key], AdminClient]


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with ExitStack() as until_the_end:

        def log_in(key: Key) -> AdminClient:
            broker = sandbox.endpoints().cloud_bootstrap_servers
            assert broker is not None
            return until_the_end.enter_context(AdminClient(quiet_settings(broker, Login(key.id, key.secret))))

        yield log_in


@pytest.mark.sandbox
def test_the_second_cluster_reports_its_id_and_shows_its_topics_to_the_discoverys_key(
    sandbox: Sandbox, client: Client
) -> None:
    metadata = client(sandbox_keys(sandbox.folder).kafka).list_topics(timeout=20)

    assert metadata.cluster_id == CLUSTER_ID
    assert {name: len(metadata.topics[name].partitions) for name in EXPECTED.topics} == dict.fromkeys(
        EXPECTED.topics, 6
    )


@pytest.mark.sandbox
def test_a_key_without_rights_sees_no_topic(sandbox: Sandbox, client: Client) -> None:
    assert client(sandbox_keys(sandbox.folder).unprivileged_kafka).list_topics(timeout=20).topics == {}


@pytest.mark.sandbox
def test_a_wrong_secret_is_refused(sandbox: Sandbox, client: Client) -> None:
    key = sandbox_keys(sandbox.folder).kafka
    with pytest.raises(KafkaException) as caught:
        client(Key(key.id, "wrong")).list_topics(timeout=5)
    assert caught.value.args[0].code() in (
        KafkaError._AUTHENTICATION,
        KafkaError._TRANSPORT,
        KafkaError._TIMED_OUT,
    )


@pytest.mark.sandbox
def test_keys_are_only_in_env_and_in_settings_that_the_user_alone_can_read(sandbox: Sandbox) -> None:
    secret = sandbox_keys(sandbox.folder).kafka.secret.encode()
    holders = {path for path in _files_but_data(sandbox.folder.root) if secret in path.read_bytes()}
    assert holders == {sandbox.folder.env_file, sandbox.folder.config / "cloud-broker.properties"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in holders} == {0o600}


def _files_but_data(root: Path) -> Iterator[Path]:
    """Never enters ``data``: the brokers delete folders there at any moment."""
    for folder, subfolders, names in os.walk(root):
        if "data" in subfolders:
            subfolders.remove("data")
        yield from (path for name in names if (path := Path(folder, name)).is_file())
