"""Applies people's decisions to the candidates: which products there are, under which names, with which
topics."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mesh_assets.estate.products import ProductDecision, names_topic
from mesh_assets.inventory.wording import listed
from mesh_assets.products.candidates import Candidate
from mesh_assets.products.records import DataProduct, DataProducts, Identity, TopicPlace, Vanished

BY_DECISION = "the estate's decision names it"
KEPT = "it was in the product when it was accepted"


@dataclass(slots=True)
class Draft:
    """A product being put together. `decision` None: a candidate that nobody decided about."""

    id: str
    domain: str | None
    owner: str | None
    decision: ProductDecision | None
    topics: dict[TopicPlace, str] = field(default_factory=dict)
    vanished: list[Vanished] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Decided:
    """`outside`: topics that a decision left without a product, with the reason."""

    drafts: tuple[Draft, ...]
    outside: dict[TopicPlace, str]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What decisions are applied to. `topics`: all of the inventory, except Kafka's own. `read`: the clusters
    whose topics were read; in other clusters nothing counts as vanished. `before`: the products of the
    previous run; `now`: the time of this one."""

    candidates: Sequence[Candidate]
    identities: Sequence[Identity]
    topics: Collection[TopicPlace]
    read: Collection[str]
    before: DataProducts | None
    now: datetime


def decide(known: Known, decisions: Sequence[ProductDecision]) -> Decided:
    """A decision wins over the candidates, and over what other decisions merely imply."""
    by_id = {one.id: at for at, one in enumerate(known.identities)}
    decided = {one.product: one for one in decisions}
    merged = {other: one.product for one in decisions for other in one.merge}
    outside: dict[TopicPlace, str] = {}
    notes: list[str] = []
    drafts: dict[str, Draft] = {}
    for identity, candidate in zip(known.identities, known.candidates, strict=True):
        decision = decided.get(identity.id)
        topics = {
            TopicPlace(cluster=candidate.cluster, topic=name): why for name, why in candidate.topics.items()
        }
        if decision is not None and decision.decision == "drop":
            outside.update(dict.fromkeys(topics, f"the estate drops the product {identity.id}"))
        elif identity.id not in merged:
            drafts[identity.id] = Draft(identity.id, candidate.domain, candidate.owner, decision, topics)
    for one in decisions:
        if one.decision == "drop":
            if one.product not in by_id:
                notes.append(f"the estate drops {one.product}, but there is no such candidate{_near(by_id)}")
            continue
        draft = drafts.setdefault(one.product, Draft(one.product, None, None, one))
        for other in one.merge:
            if other not in by_id:
                draft.notes.append(f"it merges {other}, but there is no such candidate now{_near(by_id)}")
                continue
            candidate = known.candidates[by_id[other]]
            draft.domain = draft.domain or candidate.domain
            draft.topics |= {
                TopicPlace(cluster=candidate.cluster, topic=name): f"merged from {other}; {why}"
                for name, why in candidate.topics.items()
            }
    notes += _give_topics(drafts, known, decisions, outside)
    for one in decisions:
        draft_of = drafts.get(one.product)
        if draft_of is not None and not draft_of.topics and not draft_of.vanished:
            del drafts[one.product]
            why = (
                f": no candidate has that id{_near(by_id)}"
                if not one.topics
                else "".join(f"; {note}" for note in draft_of.notes)
            )
            notes.append(f"the estate decides about {one.product}, but no topic belongs to it{why}")
    kept = tuple(one for _, one in sorted(drafts.items()) if one.topics or one.vanished)
    return Decided(drafts=kept, outside=outside, notes=tuple(notes))


def _give_topics(
    drafts: Mapping[str, Draft],
    known: Known,
    decisions: Sequence[ProductDecision],
    outside: dict[TopicPlace, str],
) -> Iterable[str]:
    """First what accepted products keep, then what decisions take away, then what they name, which has the
    last word. Returns what a person should know about it all."""
    earlier = {} if known.before is None else {one.id: one for one in known.before.products}
    named: dict[TopicPlace, str] = {}
    matched: dict[str, set[TopicPlace]] = {}
    several: dict[tuple[str, str], set[TopicPlace]] = {}
    for one in decisions:
        matched[one.product] = {place for text in one.topics for place in _matching(text, known.topics)}
        for place in matched[one.product] & named.keys():
            several.setdefault((named[place], one.product), set()).add(place)
        named.update(dict.fromkeys(matched[one.product], one.product))
    accepted = [draft for draft in drafts.values() if draft.decision is not None]
    for draft in accepted:
        decision, before = draft.decision, earlier.get(draft.id)
        assert decision is not None
        if decision.topics:
            for place in draft.topics.keys() - matched[draft.id]:
                outside.setdefault(place, f"the estate's decision about {draft.id} does not name it")
            draft.topics = dict.fromkeys(sorted(matched[draft.id]), BY_DECISION)
            _note_missing(draft, decision, known, before)
            continue
        if before is None or before.status != "accepted":
            continue
        without = {
            place
            for text in decision.without
            for place in _matching(text, (one.place for one in before.topics))
        }
        places = [*(one.place for one in before.topics), *(one.place for one in before.vanished)]
        since = {one.place: one.since for one in before.vanished}
        for place in places:
            if place in known.topics:
                if place not in without:
                    draft.topics.setdefault(place, KEPT)
            elif place.cluster in known.read and not any(_is(text, place) for text in decision.without):
                draft.vanished.append(_vanished(place, since.get(place, known.now)))
            elif place.cluster not in known.read:
                draft.notes.append(_unread(place))
    kept_by = {place: draft.id for draft in accepted for place, why in draft.topics.items() if why == KEPT}
    for draft in drafts.values():
        without_texts = () if draft.decision is None else draft.decision.without
        for place in list(draft.topics):
            other = named.get(place) or kept_by.get(place)
            if other is not None and other != draft.id:
                del draft.topics[place]
            elif any(_is(text, place) for text in without_texts):
                del draft.topics[place]
                outside.setdefault(place, f"the estate's decision about {draft.id} leaves it out")
    for place in [place for draft in drafts.values() for place in draft.topics]:
        outside.pop(place, None)
    return [
        f"the estate's decisions about {first} and {last} both name {listed(sorted(map(str, places)))}; the later one counts; name each "
        f"in only one of them"
        for (first, last), places in several.items()
    ]


def _note_missing(draft: Draft, decision: ProductDecision, known: Known, before: DataProduct | None) -> None:
    """The topics that the decision names but the inventory lacks. One that was in the product has vanished;
    one never seen may be misspelt, and unless the decision says so, its cluster is unknown."""
    members: list[TopicPlace] = []
    if before is not None:
        members = [*(one.place for one in before.topics), *(one.place for one in before.vanished)]
    since = {} if before is None else {one.place: one.since for one in before.vanished}
    for text in decision.topics:
        once = [place for place in members if _is(text, place) and place not in known.topics]
        for place in once:
            if place.cluster not in known.read:
                draft.notes.append(_unread(place))
            elif not any(sign in text for sign in "*?[") and all(
                place != one.place for one in draft.vanished
            ):
                draft.vanished.append(_vanished(place, since.get(place, known.now)))
        if not once and not any(True for _ in _matching(text, known.topics)):
            draft.notes.append(
                f"its decision names {text}, but the inventory has no such topic; check its spelling"
            )


def _unread(place: TopicPlace) -> str:
    return f"{place} is not known now: cluster {place.cluster} was not read"


def _vanished(place: TopicPlace, since: datetime) -> Vanished:
    return Vanished(
        place=place,
        since=since,
        reason="it is no longer in the inventory; take it out of the product with `without`, or out of `topics`",
    )


def _matching(text: str, places: Iterable[TopicPlace]) -> Iterator[TopicPlace]:
    return (place for place in places if _is(text, place))


def _is(text: str, place: TopicPlace) -> bool:
    return names_topic(text, place.cluster, place.topic)


def _near(by_id: Mapping[str, int]) -> str:
    return f"; there are {listed(sorted(by_id))}" if by_id else "; there are none"
