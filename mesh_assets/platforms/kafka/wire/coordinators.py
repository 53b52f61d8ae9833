"""The brokers that coordinate groups: which groups they list, and questions that follow a group to its
current coordinator.

Groups live in the partitions of __consumer_offsets, and the leader of a partition coordinates its groups. Each broker
lists its own, so a list of groups has a hole where a broker is missing or has just started (both seen with
Kafka 4.3):

- Nobody lists the groups of a partition without a leader.
- A broker that has just started leads its partitions but lists no groups, and no error, until it begins to
load them: 7 s with 16,000 partitions. So we ask each coordinator to describe a group that does not exist: one
that is ready says so, any other answers with an error.
- A partition whose leader changes while brokers list is in both lists or in neither: then they list again.
Only the epoch shows that a leader was away and has come back.

A group's name shows whether it would be in such a hole.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple, TypeVar

from confluent_kafka import KafkaError

from mesh_assets.errors import PlatformError, UnexpectedAnswerError
from mesh_assets.platforms.kafka.errors import (
    AUTHENTICATION,
    AUTHORIZATION,
    NO_ANSWER,
    Endpoint,
    from_kafka_error,
)
from mesh_assets.platforms.kafka.values import ClusterMetadata, UnlistedGroups, partition_of
from mesh_assets.platforms.kafka.wire.forms import (
    BrokerError,
    Connections,
    MalformedError,
    Request,
    UnsupportedError,
    together,
)
from mesh_assets.platforms.kafka.wire.group_requests import (
    LIST_GROUPS,
    MANY_COORDINATORS_FROM,
    Failure,
    ListedGroup,
    describe_classic_groups,
    find_coordinators,
)
from mesh_assets.platforms.kafka.wire.topics import list_topics

Answer = TypeVar("Answer")

NOT_READY = frozenset(
    {
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
    }
)
GONE = frozenset({KafkaError.GROUP_ID_NOT_FOUND})
READY_SECONDS = 10.0
"""300 groups load within 0.5 s, but a broker with 16,000 partitions only begins after 7 s."""

GROUPS_TOPIC = "__consumer_offsets"
GROUPS_A_REQUEST = 500

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.05, 0.5
_ASKING_COORDINATORS = "asking the coordinators of the consumer groups"
_LISTING = "listing the consumer groups"
_DESCRIBE_CLUSTER = "DESCRIBE on the cluster"
_DESCRIBE_GROUP = "DESCRIBE on the group"

Leaders = tuple[tuple[int | None, int | None], ...]
Places = tuple[Leaders, Sequence[int]]
"""The leader of each partition of __consumer_offsets and its epoch, and the live brokers."""


class CoordinatedGroup(NamedTuple):
    """A group in the list of the broker with this id."""

    listed: ListedGroup
    coordinator: int


class Listing(NamedTuple):
    """All groups that the user may see, by id, except those in `unlisted`."""

    groups: dict[str, CoordinatedGroup]
    unlisted: UnlistedGroups | None


class _Patience:
    """How long to keep asking when things may soon improve, with longer and longer pauses."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._pause = _FIRST_PAUSE_SECONDS

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._end

    async def pause(self) -> None:
        await asyncio.sleep(min(self._pause, max(0.0, self._end - time.monotonic())))
        self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)


@dataclass(frozen=True)
class Coordinators:
    """Questions to the coordinators of a cluster. `timeout_seconds`: of one call; no wait for a coordinator is
    longer."""

    connections: Connections
    endpoint: Endpoint
    timeout_seconds: float

    def failed(self, failure: Failure, *, doing: str, right: str) -> PlatformError:
        return from_kafka_error(failure.error(), endpoint=self.endpoint, doing=doing, right=right)

    def _end_where_login_failed(self, failures: Iterable[Failure]) -> None:
        """If one broker refuses the user, so do the others, and nothing that they know is missing."""
        for failure in failures:
            if failure.code in AUTHENTICATION:
                raise self.failed(failure, doing=_LISTING, right=_DESCRIBE_CLUSTER)

    def _patience(self) -> _Patience:
        return _Patience(min(READY_SECONDS, self.timeout_seconds))

    # --- which groups there are

    async def list_groups(self, seen: ClusterMetadata | None = None) -> Listing:
        """`seen`: the cluster as it was a moment ago; if anything has changed after listing, it starts over.

        Raises UnexpectedAnswerError when the list has holes that names cannot identify, because a broker did
        not list its groups, or when no coordinator knows its groups; UnreachableError when none answers."""
        patience = self._patience()
        places = None if seen is None else _places_in(seen)
        while True:
            leaders, brokers, hidden, reasons = await self._ready(places or await self._leaders())
            groups = await self.listed(brokers)
            places = after, live = await self._leaders()
            moved = {n for n, leader in enumerate(leaders) if n >= len(after) or after[n] != leader} - hidden
            new = len(after) > len(leaders) or not set(live) <= set(brokers)
            if (moved or new) and not patience.is_over:
                await patience.pause()
                continue
            if moved:
                reasons.append(
                    f"partitions {', '.join(map(str, sorted(moved)))} of {GROUPS_TOPIC} got another coordinator, or had none, while "
                    "the groups were listed"
                )
            return Listing(groups, self._unlisted(hidden | moved, len(leaders), reasons))

    def _unlisted(self, partitions: frozenset[int], of: int, reasons: Sequence[str]) -> UnlistedGroups | None:
        if not partitions:
            return None
        reason = f"the list of consumer groups of Kafka at {self.endpoint.servers} is incomplete: {'; '.join(reasons)}"
        if len(partitions) == of:
            raise UnexpectedAnswerError(reason)
        return UnlistedGroups(partitions=partitions, of=of, reason=reason)

    async def _leaders(self) -> Places:
        """From one answer. No leaders when __consumer_offsets does not exist, so that there are no groups, or is
        hidden from this user (Confluent Cloud hides it)."""
        listed = await list_topics(self.connections, [GROUPS_TOPIC])
        brokers = [broker.id for broker in listed.brokers]
        if GROUPS_TOPIC in listed.codes:
            return (), brokers
        return tuple(map(_LEADER, listed.topics[GROUPS_TOPIC].partitions)), brokers

    async def _ready(self, places: Places) -> tuple[Leaders, Sequence[int], frozenset[int], list[str]]:
        """`places`: as last seen. Waits until every coordinator knows its groups, or the user may not ask
        (about groups of any name); returns the live brokers, and the partitions whose coordinators are missing
        or not ready in time, and why."""
        patience = self._patience()
        leaders, brokers = places
        waiting = set(range(len(leaders)))
        failures: dict[int, Failure] = {}
        while waiting:
            led = {n: leader for n in waiting if (leader := leaders[n][0]) is not None}
            failures = await self._not_ready(led, len(leaders))
            self._end_where_login_failed(failures.values())
            if any(failure.code in AUTHORIZATION for failure in failures.values()):
                waiting -= led.keys()
                break
            waiting = (waiting - led.keys()) | failures.keys()
            # A partition without a leader rarely gets one soon.
            if patience.is_over or not any(failure.code in _PASSING for failure in failures.values()):
                break
            await patience.pause()
            before, (leaders, brokers) = leaders, await self._leaders()
            # One that was ready may have moved to a broker that is not.
            waiting = {n for n, led in enumerate(leaders) if n in waiting or before[n : n + 1] != (led,)}
        leaderless = {n for n in waiting if leaders[n][0] is None}
        late = waiting - leaderless
        silent = [failures[n] for n in late if failures[n].code in NO_ANSWER - NOT_READY]
        if late and len(silent) == len(leaders) - len(leaderless):
            raise self.failed(silent[0], doing=_ASKING_COORDINATORS, right=_DESCRIBE_GROUP)
        reasons = []
        if leaderless:
            reasons.append(
                f"the groups in partitions {', '.join(map(str, sorted(leaderless)))} of {GROUPS_TOPIC} have no coordinator, because "
                "those partitions have no leader"
            )
        if late:
            reasons.append(
                f"{len(late)} of the {len(leaders)} coordinators do not know their groups yet ({failures[min(late)].error().name()}); "
                "a broker that has just started needs some time"
            )
        if waiting and len(waiting) == len(leaders):
            self._unlisted(frozenset(waiting), len(leaders), reasons)
        return leaders, brokers, frozenset(waiting), reasons

    async def _not_ready(self, led: Mapping[int, int], partitions: int) -> dict[int, Failure]:
        """For those of these leaders that are not ready, why."""
        names = absent_names(partitions)
        answers = await self._at({names[n]: leader for n, leader in led.items()}, describe_classic_groups)
        return {
            n: answer
            for n in led
            if isinstance(answer := answers[names[n]], Failure) and answer.code not in GONE
        }

    async def listed(self, live: Sequence[int] = ()) -> dict[str, CoordinatedGroup]:
        """What the brokers list; `live`: those just named. Raises PlatformError when one of them does not list
        its groups, or is still loading them."""
        patience = self._patience()
        groups: dict[int, dict[str, ListedGroup]] = {}
        brokers = list(live)
        while True:
            brokers = brokers or [broker.id for broker in await self.connections.refreshed()]
            missing = [broker for broker in brokers if broker not in groups]
            answers = await together(self._list(broker) for broker in missing)
            failures = []
            for broker, answer in zip(missing, answers, strict=True):
                if isinstance(answer, Failure):
                    failures.append(answer)
                else:
                    groups[broker] = answer
            if not failures or patience.is_over or any(f.code not in _PASSING for f in failures):
                break
            await patience.pause()
            brokers = []
        self._end_where_login_failed(failures)
        if failures:
            first = failures[0]
            if not any(groups.values()) and first.code in NO_ANSWER:
                raise self.failed(first, doing=_LISTING, right=_DESCRIBE_CLUSTER)
            raise UnexpectedAnswerError(
                f"the list of consumer groups of Kafka at {self.endpoint.servers} is incomplete, because a broker did not list its "
                "groups: " + "; ".join(self.endpoint.redact(failure.error().str()) for failure in failures)
            )
        return {
            name: CoordinatedGroup(group, broker)
            for broker, ones in groups.items()
            for name, group in ones.items()
        }

    async def _list(self, broker: int) -> dict[str, ListedGroup] | Failure:
        answer = await answered(self.connections.ask(LIST_GROUPS, broker=broker))
        if isinstance(answer, Failure):
            return answer
        return Failure(answer.code) if answer.code else answer.groups

    # --- questions about groups

    async def ask(
        self,
        coordinators: dict[str, int],
        question: "Question[Answer]",
        *,
        several_from: int = 0,
    ) -> dict[str, Answer | Failure]:
        """What the coordinators answer about each of these groups, and again while a group is moving; then
        `coordinators` says where it went. `several_from`: the version that takes several groups a request."""
        patience = self._patience()
        waiting = dict(coordinators)
        answers: dict[str, Answer | Failure] = {}
        while waiting:
            answers |= await self._at(waiting, question, several_from=several_from)
            again = [name for name in waiting if _code(answers[name]) in _PASSING]
            if not again or patience.is_over:
                break
            await patience.pause()
            found = await answered(self._find(again))
            if not isinstance(found, Failure):  # otherwise, ask about them where they were
                coordinators |= {
                    name: broker for name, broker in found.items() if not isinstance(broker, Failure)
                }
            waiting = {name: coordinators[name] for name in again}
        return answers

    async def find(self, names: Collection[str]) -> dict[str, int | Failure]:
        """The coordinators of these groups, even if lists hide them. Raises BrokerError."""
        patience = self._patience()
        found: dict[str, int | Failure] = {}
        while waiting := [name for name in names if _code(found.get(name, _UNASKED)) in _PASSING]:
            found |= await self._find(waiting)
            if patience.is_over:
                break
            if any(_code(found[name]) in _PASSING for name in waiting):
                await patience.pause()
        return found

    async def _find(self, names: Sequence[str]) -> dict[str, int | Failure]:
        found: dict[str, int | Failure] = {}
        version = await self.connections.version(find_coordinators(names))
        size = GROUPS_A_REQUEST if version is None or version >= MANY_COORDINATORS_FROM else 1
        for answer in await together(
            self.connections.ask(find_coordinators(batch)) for batch in _batches(names, size)
        ):
            found |= answer
        return found

    async def _at(
        self, coordinators: Mapping[str, int], question: "Question[Answer]", *, several_from: int = 0
    ) -> dict[str, Answer | Failure]:
        names_by_broker: dict[int, list[str]] = {}
        for name, broker in coordinators.items():
            names_by_broker.setdefault(broker, []).append(name)
        answers: dict[str, Answer | Failure] = {}
        for part in await together(
            self._of_broker(broker, names, question, several_from)
            for broker, names in names_by_broker.items()
        ):
            answers |= part
        return answers

    async def _of_broker(
        self, broker: int, names: Sequence[str], question: "Question[Answer]", several_from: int
    ) -> dict[str, Answer | Failure]:
        size = GROUPS_A_REQUEST
        if several_from:
            version = await answered(self.connections.version(question(names), broker=broker))
            if isinstance(version, Failure):
                return dict.fromkeys(names, version)
            size = GROUPS_A_REQUEST if version is None or version >= several_from else 1

        async def about(batch: Sequence[str]) -> Mapping[str, Answer | Failure]:
            answer = await answered(self.connections.ask(question(batch), broker=broker))
            return dict.fromkeys(batch, answer) if isinstance(answer, Failure) else answer

        answers: dict[str, Answer | Failure] = {}
        for part in await together(about(batch) for batch in _batches(names, size)):
            answers |= part
        return answers


Question = Callable[[Sequence[str]], Request[Mapping[str, Answer | Failure]]]
"""Makes the request about these groups."""

# Errors that asking again, maybe elsewhere, can fix.
_PASSING = NOT_READY | NO_ANSWER
_LEADER = attrgetter("leader", "leader_epoch")
_UNASKED = Failure(KafkaError.COORDINATOR_NOT_AVAILABLE)


def _code(answer: object) -> int:
    return answer.code if isinstance(answer, Failure) else 0


async def answered(answer: Awaitable[Answer]) -> Answer | Failure:
    """The answer, or why there is none: only the groups that it was about are then unknown."""
    try:
        return await answer
    except BrokerError as error:
        return Failure(error.code, error.said)
    except UnsupportedError as error:
        return Failure(KafkaError.UNSUPPORTED_VERSION, str(error))
    except MalformedError as error:
        return Failure(KafkaError._BAD_MSG, f"no answer of Kafka's protocol: {error}")


def _batches(names: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (names[start : start + size] for start in range(0, len(names), size))


def _places_in(seen: ClusterMetadata) -> Places | None:
    """None if the leaders are not reported: then nothing would show that they have moved."""
    topic = next((one for one in seen.topics if one.name == GROUPS_TOPIC and one.error is None), None)
    if topic is None:
        return None
    return tuple(map(_LEADER, topic.partitions)), [broker.id for broker in seen.brokers]


@lru_cache(maxsize=4)
def absent_names(partitions: int) -> tuple[str, ...]:
    """Names that no group and no transactional id has, one for each partition that such names are kept in."""
    names: dict[int, str] = {}
    number = 0
    while len(names) < partitions:
        name = f"mesh-assets-nobody-{number}"
        names.setdefault(partition_of(name, partitions), name)
        number += 1
    return tuple(names[partition] for partition in range(partitions))
