"""Which documents a server keeps: as many as its memory limit allows, each read once while it is kept."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from mesh_assets.answering import known_estate
from mesh_assets.inventory.document import Document
from mesh_assets_tests.documents import a_document, a_topic
from mesh_assets_tests.mcp_server.served import Served

LARGE = a_document(topics=tuple(a_topic(f"topic-{number}") for number in range(50)))
BYTES = 100 * known_estate._BYTES_A_RECORD


def days_of(document: Document, days: int) -> list[Document]:
    return [
        replace(document, discovery_timestamp=document.discovery_timestamp + timedelta(days=day))
        for day in range(days)
    ]


@pytest.mark.parametrize(
    ("budget", "reads"),
    [(3 * BYTES, 3), (2 * BYTES, 6), (1, 6)],
    ids=["for all three", "for two", "for less than one"],
)
def test_documents_are_kept_as_far_as_they_fit(
    make_served: Callable[..., Served], monkeypatch: pytest.MonkeyPatch, budget: int, reads: int
) -> None:
    monkeypatch.setattr(known_estate, "_BYTES_KEPT", budget)
    known: Any = make_served(*days_of(LARGE, 3)).known
    keys = [entry.key for entry in known.store.list_documents(LARGE.cluster.id)]

    for _ in range(2):
        for key in keys:
            assert known.document(LARGE.cluster.id, key).topics == LARGE.topics

    assert known.reads == reads


def test_a_document_larger_than_the_whole_cache_is_still_read_once(
    make_served: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_estate, "_BYTES_KEPT", 1)
    known: Any = make_served(LARGE).known

    for _ in range(3):
        assert known.latest(LARGE.cluster.id).topics == LARGE.topics

    assert known.reads == 1
