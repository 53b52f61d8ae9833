"""Backup and restore as docs/deployment.md says: Dagster's database by Postgres's own programs, the store as a folder."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest
from msgspec.structs import replace

from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.deploy.helm import DEPLOY
from mesh_assets_tests.documents import a_document
from mesh_assets_tests.postgres import Postgres, a_postgres
from mesh_assets_tests.published import publish
from mesh_assets_tests.service.estate_of_metrics import a_scrape
from mesh_assets_tests.snapshot.world import World

SNAPSHOT = dg.AssetKey("discovery_snapshot")
WANTED = {"user": "mesh_assets", "password": "of-a-test", "database": "dagster"}


@contextmanager
def an_instance(
    home: Path, database: Postgres, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """As `deploy/dagster.yaml` describes it, with `home` for /var/lib/mesh-assets."""
    text = (DEPLOY / "dagster.yaml").read_text(encoding="utf-8")
    (home / "dagster.yaml").write_text(text.replace("/var/lib/mesh-assets", str(home)))
    environment = {
        "HOST": "127.0.0.1",
        "PORT": str(database.port),
        "USERNAME": database.user,
        "PASSWORD": WANTED["password"],
        "DB": database.database,
    }
    for name, value in environment.items():
        monkeypatch.setenv(f"DAGSTER_PG_{name}", value)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


def told_by(instance: dg.DagsterInstance) -> dict[str, Any]:
    records = instance.fetch_materializations(SNAPSHOT, limit=10).records
    return {
        "runs": [(run.run_id, run.status, run.tags) for run in instance.get_runs()],
        "snapshots": [
            (record.storage_id, record.partition_key, record.asset_materialization) for record in records
        ],
    }


def store_in(home: Path) -> InventoryStore:
    return InventoryStore(open_store(str(home / "store")))


def metrics_of(home: Path) -> str:
    """The digest of a tag: the same text has the same."""
    return a_scrape(World(store=store_in(home).objects), "warehouse").answer().etag


@pytest.mark.slow
def test_a_restored_backup_answers_like_the_original(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    publish(store_in(here), a_document())
    with a_postgres(tmp_path / "log", **WANTED) as database:
        with an_instance(here, database, monkeypatch) as instance:
            run = dg.DagsterRun(
                job_name="discovery",
                run_id=str(uuid4()),
                status=dg.DagsterRunStatus.SUCCESS,
                tags={"dagster/partition": "warehouse"},
            )
            instance.add_run(run)
            instance.report_runless_asset_event(dg.AssetMaterialization(SNAPSHOT, partition="warehouse"))
            before = told_by(instance)
            assert len(before["runs"]) == len(before["snapshots"]) == 1
            metrics = metrics_of(here)
            database.dump(tmp_path / "dagster.dump")
            shutil.copytree(here / "store", there / "store")
            # What came after the backup is lost, and nothing else.
            instance.delete_run(run.run_id)
        publish(store_in(here), replace(a_document(), sequence=2))
        assert metrics_of(here) != metrics

    with a_postgres(tmp_path / "restored.log", **WANTED) as database:
        database.restore(tmp_path / "dagster.dump")
        with an_instance(there, database, monkeypatch) as instance:
            assert told_by(instance) == before
        assert metrics_of(there) == metrics
    assert store_in(there).store_id() == store_in(here).store_id(), "it would be refused as another store"
