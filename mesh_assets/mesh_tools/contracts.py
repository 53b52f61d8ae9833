"""Tool: the data contract of a topic, and where the estate breaks it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from mesh_assets.answering.answers import Answer, ClusterName, UnknownError, cut, shown
from mesh_assets.answering.contract_facts import ContractGround, read_ground
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.contracts.checking import check_contract
from mesh_assets.contracts.folder import load, text_of
from mesh_assets.contracts.generating import contract_of
from mesh_assets.contracts.reading import read_contract
from mesh_assets.contracts.records import KnownContract

_CHARACTERS = 9_000
"""The same as for the text of a schema."""
_BREACHES = 50


class BreachRow(Answer):
    """`level`: `unknown` where it cannot be determined."""

    level: str
    requirement: str
    topic: str
    sentence: str


class ContractAnswer(Answer):
    """`origin`: `file`, if people keep one, or `generated` for this answer if the folder has none.
    `definition`: YAML of ODCS, cut at 9,000 characters; pass `next_offset` as `offset` for the rest.
    `breaches`: where the estate breaks it, the worst first; `counts` covers all of them. `not_checked`: parts
    that could not be understood."""

    id: str
    origin: Literal["file", "generated"]
    owner: str | None = None
    domain: str | None = None
    topics: list[str]
    definition: str
    characters: int
    next_offset: int | None = None
    counts: dict[str, int]
    breaches: list[BreachRow]
    not_checked: list[str]
    notes: list[str]


def get_contract(
    known: KnownEstate,
    /,
    cluster: ClusterName = None,
    topic: Annotated[str | None, Field(max_length=249, description="A topic that it covers.")] = None,
    contract: Annotated[str | None, Field(max_length=500, description="Its id, instead of a topic.")] = None,
    offset: Annotated[int, Field(ge=0, le=10**9, description="Where in the definition to start.")] = 0,
) -> ContractAnswer:
    """The data contract (ODCS) of the product that a topic belongs to: owner, fields with types, service levels, quality rules,
    references; and where the estate breaks it. From the estate's folder if people keep it there, else
    generated now."""
    estate = known.estate
    ground = read_ground(estate, known.store)
    notes = [*ground.notes, *ground.known.problems]
    if (topic is None) == (contract is None):
        raise UnknownError(f"say which: a topic, or a contract by its id; there are: {_ids(ground)}")
    name = None if topic is None else known.name(cluster)
    kept = _kept(ground, name, topic, contract)
    if kept is not None:
        text = text_of(load(Path(kept.file)))
        return _answer(kept, "file", text, ground, notes, offset)
    for facts in ground.facts:
        if facts.product.id == contract or (name, topic) in facts.product.topics:
            made = contract_of(facts)
            one = read_contract(made, "generated now", tuple(estate.clusters))
            return _answer(one, "generated", text_of(made), ground, notes, offset)
    if topic is not None:
        raise UnknownError(
            f"topic {shown(topic)} of {name} is in no data product, so it has no contract; list_domains says why"
        )
    raise UnknownError(f"there is no contract {shown(contract)}; there are: {_ids(ground)}")


def _kept(
    ground: ContractGround, cluster: str | None, topic: str | None, contract: str | None
) -> KnownContract | None:
    if contract is not None:
        return ground.known.contract(contract)
    return next((one for one, _ in ground.known.of_topic(cluster or "", topic or "")), None)


def _ids(ground: ContractGround) -> str:
    ids = sorted({*(one.id for one in ground.known.contracts), *(one.product.id for one in ground.facts)})
    return ", ".join(map(shown, ids[:30])) + (f" and {len(ids) - 30} more" if len(ids) > 30 else "") or "none"


def _answer(
    one: KnownContract,
    origin: Literal["file", "generated"],
    text: str,
    ground: ContractGround,
    notes: list[str],
    offset: int,
) -> ContractAnswer:
    end = offset + _CHARACTERS
    breaches = check_contract(one, ground.now, now=datetime.now(UTC))
    counts: dict[str, int] = {}
    for breach in breaches:
        counts[breach.level] = counts.get(breach.level, 0) + 1
    return ContractAnswer(
        id=one.id,
        origin=origin,
        owner=one.owner,
        domain=one.domain,
        topics=[topic.topic for topic in one.topics],
        definition=text[offset:end],
        characters=len(text),
        next_offset=end if end < len(text) else None,
        counts=counts,
        breaches=[
            BreachRow(
                level=breach.level,
                requirement=breach.requirement,
                topic=breach.topic,
                sentence=cut(breach.sentence, 500),
            )
            for breach in breaches[:_BREACHES]
        ],
        not_checked=[cut(note, 300) for note in one.notes[:20]],
        notes=[cut(note, 500) for note in notes],
    )
