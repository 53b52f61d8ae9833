"""What commands read from the estate and the store: the newest document of each cluster asked for."""

import os
from collections.abc import Sequence
from typing import Any

import click

from mesh_assets.errors import EstateError, MeshError
from mesh_assets.estate.model import Estate
from mesh_assets.findings import cases
from mesh_assets.findings.case import Case
from mesh_assets.findings.reading import read_case
from mesh_assets.findings.samples import Samples, read_samples
from mesh_assets.fleet.loading import load_estate
from mesh_assets.importing import importing
from mesh_assets.inventory.sections import SectionName
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store


class CannotCheckError(click.ClickException):
    """Exit code 2, since 1 means that something was found."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(f"mesh-assets: {self.message}", err=True, file=file)


def read_cases(clusters: Sequence[str], *, live: Sequence[SectionName] = ()) -> cases.Cases:
    """The case of each cluster of the estate, or of those named. `live`: the sections to read now, from the cluster
    itself; none: the newest stored document. Writes nothing.

    Raises CannotCheckError when the estate or the store cannot be read, or none of the clusters.
    """
    try:
        estate = load_estate()
        store = InventoryStore(open_store(os.environ.get("MESH_STORE")))
        samples = Samples() if live else read_samples(store)
        return cases.read_cases(
            _known(clusters, estate),
            lambda name: _case(name, store, estate, live, samples),
            by_name=bool(clusters),
            store=os.environ.get("MESH_STORE") or ".mesh",
        )
    except MeshError as error:
        raise CannotCheckError(str(error)) from error


def _known(clusters: Sequence[str], estate: Estate) -> Sequence[str]:
    for name in clusters:
        if name not in estate.clusters:
            raise EstateError(f"the estate has no cluster {name!r}; it has: {', '.join(estate.clusters)}")
    return tuple(dict.fromkeys(clusters)) or tuple(estate.clusters)


def _case(
    name: str, store: InventoryStore, estate: Estate, live: Sequence[SectionName], samples: Samples
) -> Case | None:
    if live:
        with importing:
            from mesh_assets.collecting.live import read_live  # imports the clients, which are heavy

        document = read_live(estate.clusters[name], live, previous=store.latest_document)
        return read_case(document, store=store, estate=estate, samples=samples, live=True)
    cluster_id = store.cluster_id(name)
    stored = None if cluster_id is None else store.latest_document(cluster_id)
    return None if stored is None else read_case(stored, store=store, estate=estate, samples=samples)
