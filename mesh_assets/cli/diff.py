"""`mesh-assets diff A B`: what changed between two moments of a cluster, for people and for CI checks."""

import os
import sys
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any, get_args

import click

from mesh_assets.cli.text import shown_lines
from mesh_assets.diff import compared_sections, diff_documents
from mesh_assets.errors import StoreError
from mesh_assets.inventory.changes import Change, ChangeKind, ResourceType, change_line, headline_changes
from mesh_assets.inventory.document import Document, decode_document
from mesh_assets.inventory.sections import SECTION_NAMES
from mesh_assets.inventory.wording import brief_sentence, counted, printed_json, readable
from mesh_assets.joining.join import scope_note
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store, unsafe

_HEADINGS: dict[ResourceType, str] = {
    "topic": "Topics",
    "topic_defaults": "Topic defaults",
    "log_directories": "Log directories",
    "connector": "Connectors",
    "schema": "Schemas",
    "schema_registry": "Schema registry",
    "consumer_group": "Consumer groups",
    "cluster": "Cluster",
    "broker": "Brokers",
    "acl": "ACLs",
    "client_quota": "Client quotas",
    "scram_user": "SCRAM users",
    "hanging_transaction": "Hanging transactions",
    "cluster_link": "Cluster links",
    "mirror_topic": "Mirror topics",
}
_SEVERITIES = {
    "critical": ("critical",),
    "warning": ("critical", "warning"),
    "any": ("critical", "warning", "info"),
}
FAIL_ON = (
    *_SEVERITIES,
    *get_args(ChangeKind),
    *(f"{resource}_{kind}" for resource in _HEADINGS for kind in get_args(ChangeKind)),
)


class BadInputError(click.ClickException):
    """Exit code 2, since 1 means that a change matched."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(f"mesh-assets: {self.message}", err=True, file=file)


class _Kinds(click.ParamType[tuple[str, ...]]):
    name = "kind"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        kinds = tuple(kind.strip() for kind in value.split(","))
        unknown = [kind for kind in kinds if kind not in FAIL_ON]
        if unknown:
            self.fail(f"{unknown[0]!r} is not one of {', '.join(FAIL_ON)}", param, ctx)
        return kinds


@click.command(short_help="Compare two moments of a cluster.")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option(
    "--cluster",
    metavar="NAME",
    help="The cluster of A and B, by name or id. Default: the only cluster in the store.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON array of all changes on stdout, nothing else."
)
@click.option(
    "--fail-on",
    type=_Kinds(),
    multiple=True,
    metavar="KIND[,KIND…]",
    help="Exit code 1 when a change matches: deleted, schema_deleted, topic_updated, critical, warning (or worse), any. Repeatable.",
)
def diff(
    before: str, after: str, cluster: str | None, as_json: bool, fail_on: tuple[tuple[str, ...], ...]
) -> None:
    """Show what changed from A to B.

    Each is a document's file, `latest`, a document's name, or a time like 2026-11-23T16:40:02Z (UTC unless it
    says otherwise): the newest document in the store (MESH_STORE) at or before it.

    Exit code 1: a change matches --fail-on. Exit code 2: A or B cannot be read, or they belong to different
    clusters.
    """
    old, new = _read(before, cluster), _read(after, cluster)
    if old.cluster.id != new.cluster.id:
        raise BadInputError(
            f"{before} belongs to cluster {old.cluster.id} ({old.cluster.name}), {after} to {new.cluster.id} ({new.cluster.name}); "
            "give two documents of the same cluster"
        )
    changes = diff_documents(old, new)
    for note in (*_not_compared(old, new), *_out_of_scope(old, new)):
        click.echo(readable(note), err=True)
    if as_json:
        click.echo(printed_json(changes))
    else:
        click.echo(shown_lines(_text(old, new, changes)))
    if any(_matches(change, kind) for kinds in fail_on for kind in kinds for change in changes):
        sys.exit(1)


def _read(moment: str, cluster: str | None) -> Document:
    try:
        path = Path(moment)
        if path.is_file():
            return decode_document(path.read_bytes(), source=moment)
        if "/" in moment:
            raise BadInputError(f"there is no file {moment}")
        store = InventoryStore(open_store(os.environ.get("MESH_STORE")))
        return store.document_at(_stored_cluster_id(store, cluster), moment)
    except StoreError as error:
        raise BadInputError(str(error)) from error
    except OSError as error:
        raise BadInputError(f"{moment} cannot be read: {error.strerror}") from error


def _stored_cluster_id(store: InventoryStore, cluster: str | None) -> str:
    """`cluster` is a name or an id. Raises BadInputError when it is not in the store."""
    names = sorted(
        unsafe(entry.key.removeprefix("clusters/").removesuffix(".json"))
        for entry in store.objects.list("clusters/")
    )
    if cluster is None and len(names) != 1:
        raise BadInputError(
            f"name the cluster with --cluster; the store has: {', '.join(names)}"
            if names
            else "the store has no documents of any cluster; run mesh-assets discover first"
        )
    name = names[0] if cluster is None else cluster
    cluster_id = store.cluster_id(name) or name
    if store.latest(cluster_id) is None:
        raise BadInputError(
            f"the store has no documents of cluster {name}; "
            + (
                f"it has those of {', '.join(names)}"
                if names
                else "it has none at all: run mesh-assets discover first"
            )
        )
    return cluster_id


def _text(old: Document, new: Document, changes: tuple[Change, ...]) -> Iterator[str]:
    headlines = headline_changes(changes)
    yield f"{new.cluster.name} ({new.cluster.id})   {_moment(old)} → {_moment(new)}"
    for resource_type, heading in _HEADINGS.items():
        lines = [_line(change) for change in headlines if change.resource_type == resource_type]
        if lines:
            yield from ("", heading, *lines)
    yield ""
    yield _count(headlines, accompanying=len(changes) - len(headlines))


def _line(change: Change) -> str:
    return f"  {brief_sentence(change_line(change))}{'' if change.severity == 'info' else f'   [{change.severity}]'}"


def _count(changes: tuple[Change, ...], *, accompanying: int) -> str:
    if not changes:
        return "No changes"
    numbers = [
        (sum(1 for change in changes if change.severity == severity), severity)
        for severity in ("critical", "warning", "info")
    ]
    text = f"{counted(len(changes), 'change')}: {', '.join(f'{n:,} {word}' for n, word in numbers if n)}"
    everything = f"; --json lists all {len(changes) + accompanying:,}, including those that follow from these"
    return text + everything if accompanying else text


def _moment(document: Document) -> str:
    return f"{document.discovery_timestamp.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} (sequence {document.sequence})"


def _not_compared(old: Document, new: Document) -> Iterator[str]:
    compared = compared_sections(old, new)
    for name in SECTION_NAMES:
        if name == "metrics" or name in compared:
            continue
        state = new.sections.get(name)
        if state is None or state.status == "not_configured":
            why = "not in B"
        elif state.status == "stale":
            why = f"stale in B: {state.error or 'no reason given'}"
        else:
            why = "never read in A"
        yield f"not compared: {name.replace('_', ' ')}, {why}"


def _out_of_scope(old: Document, new: Document) -> Iterator[str]:
    for name in compared_sections(old, new):
        note = scope_note(name, new.section(name), old)
        if note is not None:
            yield f"{name.replace('_', ' ')}: {note}"


def _matches(change: Change, kind: str) -> bool:
    return kind in (
        change.kind,
        f"{change.resource_type}_{change.kind}",
    ) or change.severity in _SEVERITIES.get(kind, ())
