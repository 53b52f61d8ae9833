"""Two versions on one store, as during a rollout (docs/deployment.md): they take turns under its lock, and each continues from
what the other wrote. The later one writes fields that the earlier does not know."""

import json
from typing import Any
from unittest.mock import patch

import pytest

from mesh_assets.errors import ConflictError
from mesh_assets.inventory.document import Document, encode_document
from mesh_assets.snapshot import commit
from mesh_assets.snapshot.report import Published
from mesh_assets.upkeep.verifying import find_damage
from mesh_assets_tests.snapshot.invariants import check_always, check_at_rest
from mesh_assets_tests.snapshot.model import check_log
from mesh_assets_tests.snapshot.world import Life, MemoryObjects, World

MORE = {"later": {"field": ["of", 1]}}


class LaterObjects(MemoryObjects):
    """Where a later version writes pointers, locks and the like."""

    def put(self, key: str, data: bytes) -> str:
        written: dict[str, Any] = json.loads(data) if key.endswith(".json") else {"topics": "packed"}
        if "topics" not in written:  # a document is known by its hash: `LaterWorld` adds to it
            nested = {name: written[name] | MORE for name in ("record", "holder") if written.get(name)}
            data = json.dumps(written | nested | MORE).encode()
        return super().put(key, data)


class LaterWorld(World):
    def run(self, *arguments: Any, **named: Any) -> Published:
        with patch.object(commit, "encode_document", _with_more):
            return super().run(*arguments, **named)


def _with_more(document: Document) -> bytes:
    written = json.loads(encode_document(document))
    return json.dumps(written | MORE | {"topics": [topic | MORE for topic in written["topics"]]}).encode()


class Both:
    """`versions`: the earlier and the later one, at the same store and topics."""

    def __init__(self) -> None:
        objects, later = MemoryObjects(), LaterObjects()
        later.data = objects.data
        self.objects = objects
        self.earlier = World(store=objects, run_prefix="earlier")
        self.later = LaterWorld(store=later, run_prefix="later")
        self.later.log, self.later.clock = self.earlier.log, self.earlier.clock
        self.versions = (self.earlier, self.later)


def test_two_versions_take_turns_and_each_compares_with_the_others_reading() -> None:
    both = Both()
    both.earlier.run(("orders",))
    found = []
    for number, version in enumerate((both.later, both.later, both.earlier, both.earlier, both.later)):
        published = version.run(("orders", f"topic-{number}"))
        found.append([(change.kind, change.resource) for change in published.changes])

    assert found == [
        [("created", "topic-0")],
        *([("deleted", f"topic-{number - 1}"), ("created", f"topic-{number}")] for number in range(1, 5)),
    ]
    assert any(b'"later"' in data for key, data in both.objects.data.items() if key.endswith("latest.json"))
    for version in both.versions:
        check_at_rest(version)
        assert list(find_damage(version.store)) == []
    assert not [key for key in both.objects.data if key.startswith("quarantine/")]


@pytest.mark.parametrize("killed", [0, 1], ids=["earlier", "later"])
def test_whatever_was_killed_the_other_version_completes_or_drops(killed: int) -> None:
    effects = 0
    while True:
        both, effects = Both(), effects + 1
        dying, other = both.versions[killed], both.versions[1 - killed]
        other.run(("orders", "users"))
        if not dying.killed_run(effects, ("orders",)):
            break
        check_always(other)
        other.run(("orders", "ratings"))
        check_at_rest(other)
        check_log(other.log)
    assert effects >= 10, "a run has more effects"


@pytest.mark.parametrize("holds", [0, 1], ids=["earlier", "later"])
def test_one_version_waits_for_the_lock_that_the_other_holds(holds: int) -> None:
    both = Both()
    first, second = both.versions[holds], both.versions[1 - holds]
    refused: list[str] = []

    def meanwhile() -> None:
        with pytest.raises(ConflictError) as error:
            second.run(("users",), run_id="impatient", wait_seconds=0)
        refused.append(str(error.value))

    first.run(("orders",), run_id="at-work", life=Life(4, meanwhile))

    assert "at-work" in refused[0]
    assert [event.run_id for event in first.log.snapshots] == ["at-work"]
    assert second.run(("orders",)).document.sequence == 2
