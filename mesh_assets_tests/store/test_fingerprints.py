"""A rotated secret is reported, and neither it nor anything derived from it leaves the store."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from mesh_assets.collecting.sections import collect_sections
from mesh_assets.errors import StoreError
from mesh_assets.estate.connections import KafkaConnection
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.events.avro_form import encode_discovery_event
from mesh_assets.inventory.changes import Change, Trigger
from mesh_assets.inventory.document import encode_document
from mesh_assets.inventory.sections import ConnectorsSection
from mesh_assets.masking.configs import MASK
from mesh_assets.snapshot.discovery import publish_discovery
from mesh_assets.store.fingerprints import fingerprint_key
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.collecting.cluster_fakes import FakeKafka, a_cluster, a_worker, opened
from mesh_assets_tests.snapshot.world import Life, Log, LogPublisher, MovedClock

KEY_FILE = "private/fingerprint-key.json"
CONFIG = {
    "connector.class": "Jdbc",
    "topics": "orders",
    "connection.password": "correct-horse",
    "ssl.key.password": "correct-horse",
    "connection.url": "jdbc:postgresql://app:battery-staple@db/shop",
    "other.password": "${file:/etc/secrets:db}",
    "cloud.secret": "****************",
}
ESTATE = Estate(
    clusters={"warehouse": Cluster(name="warehouse", kafka=KafkaConnection(bootstrap_servers="127.0.0.1:1"))}
)
AWAY = httpx.MockTransport(lambda _: httpx.Response(503))


class Discoveries:
    """Discoveries of a cluster with one connector, into a store in a folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.objects = FolderStore(folder)
        self.log = Log()
        self._runs = 0

        @contextmanager
        def open_log(_estate: Estate, _name: str) -> Iterator[LogPublisher]:
            yield LogPublisher(self.log, Life(), MovedClock())

        monkeypatch.setattr("mesh_assets.snapshot.ahead.open_publisher", open_log)

    def collect(self, worker: httpx.MockTransport) -> ConnectorsSection:
        store = InventoryStore(self.objects)
        section = collect_sections(
            a_cluster(),
            ("connectors",),
            previous=store.latest_document,
            clients=opened(FakeKafka(), workers=[worker]),
            fingerprint_key=lambda: fingerprint_key(self.objects),
        )["connectors"]
        assert isinstance(section, ConnectorsSection)
        return section

    def discover(
        self, config: Mapping[str, str] = CONFIG, *, worker: httpx.MockTransport | None = None
    ) -> list[Change]:
        self._runs += 1
        section = self.collect(worker or a_worker({"sink": config}))
        _, changes, _ = publish_discovery(
            ESTATE,
            "warehouse",
            {"connectors": section},
            store=InventoryStore(self.objects),
            run_id=f"run-{self._runs}",
            trigger=Trigger(type="manual"),
        )
        return list(changes)


@pytest.fixture
def discoveries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Discoveries:
    """After a first discovery."""
    discoveries = Discoveries(tmp_path, monkeypatch)
    assert discoveries.discover() == []
    return discoveries


def rotated(*keys: str) -> dict[str, str]:
    return {
        key: value.replace("horse", "mule").replace("staple", "clip") if key in keys else value
        for key, value in CONFIG.items()
    }


def test_every_secret_has_its_own_fingerprint_and_nothing_else_has_one(discoveries: Discoveries) -> None:
    found = discoveries.collect(a_worker({"sink": CONFIG})).fingerprints

    assert found is not None
    (secrets,) = found.connectors.values()
    assert sorted(secrets) == ["connection.password", "connection.url", "ssl.key.password"]
    assert len(set(secrets.values())) == 3
    assert "horse" not in str(found)


@pytest.mark.parametrize("key", ["connection.password", "connection.url", "ssl.key.password"])
def test_a_rotated_secret_is_a_change_without_its_value_and_once(discoveries: Discoveries, key: str) -> None:
    (change,) = discoveries.discover(rotated(key))

    shown = "jdbc:postgresql://********@db/shop" if key == "connection.url" else MASK
    assert change == replace(change, resource="sink", field=f"config.{key}", before=shown, after=shown)
    assert change.sentence == f"Connector sink: {key} changed"
    assert discoveries.discover(rotated(key)) == []


def test_other_numbers_of_asterisks_are_not_a_change(discoveries: Discoveries) -> None:
    assert discoveries.discover({**CONFIG, "cloud.secret": "*" * 12}) == []


def test_a_rotation_while_connect_was_down_is_reported_afterwards(discoveries: Discoveries) -> None:
    assert discoveries.discover(worker=AWAY) == []

    (change,) = discoveries.discover(rotated("connection.password"))

    assert change.field == "config.connection.password"


def test_a_lost_or_damaged_key_claims_nothing_and_the_next_rotation_is_reported(
    discoveries: Discoveries,
) -> None:
    discoveries.objects.delete(KEY_FILE)
    assert discoveries.discover(rotated("connection.password")) == []
    discoveries.objects.put(KEY_FILE, b'{"id": "k", "key": "c2hvcnQ="}')
    assert discoveries.discover(CONFIG) == []
    discoveries.objects.put("private/fingerprints/lkc-1.json", b"damaged")
    assert discoveries.discover(rotated("connection.password")) == []

    assert len(discoveries.discover(CONFIG)) == 1


class NotOurs(FolderStore):
    """A folder in which another user created the private files."""

    def get(self, key: str) -> tuple[bytes, str] | None:
        if key.startswith("private/"):
            raise StoreError(f"{key} could not be read: Permission denied")
        return super().get(key)


def test_another_users_files_cost_only_the_comparison(
    discoveries: Discoveries, caplog: pytest.LogCaptureFixture
) -> None:
    own, discoveries.objects = discoveries.objects, NotOurs(discoveries.folder)
    assert discoveries.discover(rotated("connection.password")) == []
    assert "could not be read: Permission denied; so changes of secrets go unnoticed" in caplog.text

    discoveries.objects = own
    assert discoveries.discover(CONFIG) == []
    assert len(discoveries.discover(rotated("connection.password"))) == 1


def test_key_and_fingerprints_are_private_and_in_nothing_that_is_published(
    discoveries: Discoveries,
) -> None:
    discoveries.discover(rotated("connection.password"))
    key = fingerprint_key(discoveries.objects)
    assert key is not None
    found = discoveries.collect(a_worker({"sink": rotated("connection.password")})).fingerprints
    assert found is not None
    made = [print_ for prints in found.connectors.values() for print_ in prints.values()]
    kept = (discoveries.folder / "private/fingerprints/lkc-1.json").read_text()
    assert [print_ in kept for print_ in made] == [True, True, True]

    private = sorted(file for file in (discoveries.folder / "private").rglob("*") if file.is_file())
    assert [file.name for file in private] == ["fingerprint-key.json", "lkc-1.json"]
    assert {file.stat().st_mode & 0o777 for file in private} == {0o600}
    public = b"".join(
        [
            *(encode_discovery_event(event, 1) for event in discoveries.log.snapshots),
            *(str(event).encode() for event in discoveries.log.entries),
            *(
                file.read_bytes()
                for file in discoveries.folder.rglob("*")
                if file.is_file() and file not in private
            ),
            encode_document(InventoryStore(discoveries.objects).document_at("lkc-1")),
        ]
    )
    for secret in (*made, found.key_id, key.key.hex(), "mule", "horse", "staple"):
        assert secret.encode() not in public
    assert repr(key) == f"FingerprintKey(id={key.id!r})"
