"""Where things are in the page's data: places of rows, and texts that many rows share."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from mesh_assets.inventory.records import Record
from mesh_assets.report.content import Report

K = TypeVar("K", bound=Hashable)


class Table(Generic[K]):
    """Things in the order in which they were first requested, each with its place."""

    def __init__(self, things: Iterable[K] = ()) -> None:
        self._places: dict[K, int] = {}
        for thing in things:
            self.place(thing)

    def place(self, thing: K) -> int:
        return self._places.setdefault(thing, len(self._places))

    def known(self, thing: K) -> int:
        """-1: it has none."""
        return self._places.get(thing, -1)

    @property
    def things(self) -> list[K]:
        return list(self._places)


class Field(Record, frozen=True, kw_only=True, array_like=True):
    """A field that many schemas have in common."""

    path: str
    type: str
    optional: int


class Places:
    """The places of everything in the report that has a name; `text` and `fields` grow while rows are
    built."""

    def __init__(self, report: Report) -> None:
        documents = report.mesh.documents
        self.clusters = Table(documents)
        self.topics = Table((name, one.name) for name, of in documents.items() for one in of.topics)
        self.schemas = Table((name, one.subject) for name, of in documents.items() for one in of.schemas)
        self.groups = Table(
            (name, one.group_id) for name, of in documents.items() for one in of.consumer_groups
        )
        self.domains = Table((one.cluster, one.name) for one in report.domains.domains)
        self.fields: Table[Field] = Table()
        self._texts: Table[str] = Table()

    def text(self, text: str | None) -> int:
        return -1 if text is None else self._texts.place(text)

    @property
    def texts(self) -> list[str]:
        return self._texts.things
