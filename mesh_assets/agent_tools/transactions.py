"""Tool: transactional ids, active producers, and open or hanging transactions."""

from typing import Annotated

from pydantic import Field

from mesh_assets.answering.answers import (
    About,
    Answer,
    ClusterName,
    SourceArgument,
    UnknownError,
    cut,
    moment_text,
)
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.pages import matches
from mesh_assets.inventory.transaction_records import (
    UNFINISHED,
    OpenTransaction,
    TopicProducers,
    TransactionalId,
)

_SHOWN = 40


class OpenTransactionRow(Answer):
    """Readers of committed records stop at `start_offset`."""

    topic: str
    partition: int
    start_offset: int
    producer_id: int
    transactional_id: str | None = None
    last_written: str | None = None
    hanging: str | None = None


class TransactionalIdRow(Answer):
    transactional_id: str
    state: str
    started: str | None = None
    overdue: bool | None = None


class ProducersRow(Answer):
    topic: str
    producers: int | None = None
    transactional: bool
    error: str | None = None


class TransactionsAnswer(Answer):
    about: About
    open_transactions: list[OpenTransactionRow] | None = None
    transactional_ids: list[TransactionalIdRow] | None = None
    producers: list[ProducersRow] | None = None
    totals: dict[str, int]
    unknown: dict[str, str] = Field(description="What could not be read → why.")
    hint: str | None = None


def describe_transactions(
    known: KnownEstate,
    /,
    cluster: ClusterName = None,
    topic: Annotated[str | None, Field(max_length=249, description="Pattern.")] = None,
    transactional_id: Annotated[str | None, Field(max_length=249, description="Pattern.")] = None,
    source: SourceArgument = "latest",
) -> TransactionsAnswer:
    """Open transactions, hanging ones first; transactional ids; active producers."""
    view = known.view(cluster, source, needs=("transactions",))
    document = view.document
    found = document.transactions
    if found is None:
        state = document.state("transactions")
        raise UnknownError(
            f"nothing is known about the transactions of {document.cluster.name}: {state.error}"
        )
    opened = found.open_transactions
    if opened is not None:
        opened = tuple(
            one
            for one in opened
            if matches(one.topic, topic)
            and (transactional_id is None or matches(one.transactional_id or "", transactional_id))
        )
    ids = found.transactional_ids
    if ids is not None:
        ids = tuple(
            one
            for one in ids
            if matches(one.transactional_id, transactional_id)
            and (topic is None or any(matches(name, topic) for name in one.topics or ()))
        )
    producers = found.producers
    if producers is not None:
        producers = tuple(one for one in producers if matches(one.topic, topic))
    totals = {
        "open_transactions": found.total_open_transactions,
        "transactional_ids": found.total_transactional_ids,
    }
    matching = {
        "open transactions": len(opened or ()),
        "transactional ids": len(ids or ()),
        "topics with producers": len(producers or ()),
    }
    return TransactionsAnswer(
        about=view.about("transactions"),
        open_transactions=None
        if opened is None
        else [_opened(one) for one in sorted(opened, key=lambda one: one.hanging is None)[:_SHOWN]],
        transactional_ids=None
        if ids is None
        else [_id(one) for one in sorted(ids, key=lambda one: one.state not in UNFINISHED)[:_SHOWN]],
        producers=None if producers is None else [_producers(one) for one in producers[:_SHOWN]],
        totals={name: total for name, total in totals.items() if total is not None},
        unknown={part: cut(reason, 300) for part, reason in found.unknown.items()},
        hint=f"lists are cut at {_SHOWN}: {', '.join(f'{count} {name}' for name, count in matching.items())}; narrow by topic or "
        "transactional_id"
        if max(matching.values()) > _SHOWN
        else None,
    )


def _opened(one: OpenTransaction) -> OpenTransactionRow:
    return OpenTransactionRow(
        topic=one.topic,
        partition=one.partition,
        start_offset=one.start_offset,
        producer_id=one.producer_id,
        transactional_id=one.transactional_id,
        last_written=None if one.last_written_at is None else moment_text(one.last_written_at),
        hanging=one.hanging,
    )


def _id(one: TransactionalId) -> TransactionalIdRow:
    return TransactionalIdRow(
        transactional_id=one.transactional_id,
        state=one.state,
        started=None if one.started_at is None else moment_text(one.started_at),
        overdue=one.overdue,
    )


def _producers(one: TopicProducers) -> ProducersRow:
    counts = [count for count in one.by_partition if count is not None]
    return ProducersRow(
        topic=one.topic,
        producers=sum(counts) if len(counts) == len(one.by_partition) else None,
        transactional=one.transactional,
        error=None if one.error is None else cut(one.error, 300),
    )
