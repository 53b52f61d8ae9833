"""A publisher that gets ready while the cluster is still being read."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread

from mesh_assets.estate.model import Estate
from mesh_assets.importing import importing
from mesh_assets.snapshot.commit import LEASE_SECONDS
from mesh_assets.snapshot.lock import MARGIN_SECONDS
from mesh_assets.snapshot.publisher import KafkaPublisher, open_publisher
from mesh_assets.store.inventories import InventoryStore


class PublisherAhead:
    """Connecting, checking the topics, registering the schemas and a first look at the topic take as long as a third of
    the reading of a large cluster, and need nothing of what is read. A context that closes the publisher."""

    def __init__(self, estate: Estate, name: str, *, store: InventoryStore) -> None:
        self._estate = estate
        self._name = name
        self._store = store
        self._open = ExitStack()
        self._publisher: KafkaPublisher | None = None

    def __enter__(self) -> "PublisherAhead":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def begin(self, cluster_id: str) -> None:
        """To be called once it is certain that this is the cluster, and which topics it has: from here on, topics are
        created. What fails is raised by the publisher's `prepare`. Raises EstateError if a secret cannot be resolved."""
        Thread(target=_import_tables, name="tables").start()
        known = self._store.latest(cluster_id)
        self._publisher = self._open.enter_context(open_publisher(self._estate, self._name))
        self._publisher.prepare_ahead(
            None if known is None else known[0].schema_ids,
            cluster_id=cluster_id,
            timeout_seconds=LEASE_SECONDS - MARGIN_SECONDS,
        )

    @contextmanager
    def opened(self) -> Iterator[KafkaPublisher]:
        """The publisher, which is closed at the end: its connections would only take memory."""
        if self._publisher is None:
            self._publisher = self._open.enter_context(open_publisher(self._estate, self._name))
        with self._open.pop_all():
            yield self._publisher


def _import_tables() -> None:
    """With pyarrow, a fifth of what `mesh-assets discover` takes to import, and needed last."""
    with importing:
        import mesh_assets.tables.written  # noqa: F401
