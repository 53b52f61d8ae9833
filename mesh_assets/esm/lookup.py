"""Lists, finds and waits for mappings: reads every page, and never guesses which one is meant."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.esm.arns import names_function
from mesh_assets.esm.aws_account import AwsAccount, call, for_code
from mesh_assets.esm.errors import AmbiguousMappingError, EsmError, MappingNotFoundError, WaitTimeoutError
from mesh_assets.esm.mapping import KAFKA_CONFIGS, EventSourceMapping, read_mapping

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
STATES = ("Creating", "Enabling", "Enabled", "Disabling", "Disabled", "Updating", "Deleting")
_A_PAGE = 100
"""The API's own limit."""

_MOST_PAGES = 1_000


def list_mappings(
    account: AwsAccount,
    *,
    function: str | None = None,
    source: str | None = None,
    topic: str | None = None,
    state: str | None = None,
    kafka_only: bool = True,
) -> tuple[EventSourceMapping, ...]:
    """All mappings that match, in the API's order.

    `function` without version or alias matches all of them (the API's own filter would omit the versions).
    Encrypted filters are missing: only `get_mapping` has them. `source` is an MSK cluster's ARN, or bootstrap
    servers separated by commas, in any order. `state` ignores case. Raises PlatformError when a page cannot
    be read: a part is never returned as the whole. Raises EsmError for a state that no mapping can be in.
    """
    if state is not None and state.casefold() not in map(str.casefold, STATES):
        raise EsmError(f"no mapping is ever in the state {state!r}; expected one of {', '.join(STATES)}")
    found = (read_mapping(answer) for answer in _answers(account, source))
    return tuple(
        mapping
        for mapping in found
        if (mapping.is_kafka or not kafka_only)
        and _is_so(mapping, function, source, topic)
        and (state is None or (mapping.state or "").casefold() == state.casefold())
    )


def _is_so(mapping: EventSourceMapping, function: str | None, source: str | None, topic: str | None) -> bool:
    return (
        (function is None or names_function(function, mapping.function_arn, any_qualifier=True))
        and (source is None or same_source(mapping, source))
        and (topic is None or mapping.topic == topic)
    )


def get_mapping(account: AwsAccount, uuid: str) -> EventSourceMapping:
    """The mapping with this UUID.

    Raises MappingNotFoundError, or PlatformError when AWS refuses or does not answer.
    """
    return read_mapping(_get(account, uuid))


def registry_address(account: AwsAccount, uuid: str) -> str:
    """The address of the mapping's registry as Lambda uses it, with a login that may be in it: for asking the
    registry, and never to be shown. Empty without a registry. Raises as `get_mapping` does."""
    answer = _get(account, uuid)
    configs = [answer.get(name) or {} for name in KAFKA_CONFIGS]
    registries = [config.get("SchemaRegistryConfig") or {} for config in configs]
    return next((str(one["SchemaRegistryURI"]) for one in registries if one.get("SchemaRegistryURI")), "")


def _get(account: AwsAccount, uuid: str) -> Mapping[str, Any]:
    if not _UUID.fullmatch(uuid):
        raise MappingNotFoundError(
            f"{uuid!r} is not the UUID of an event source mapping; `mesh-assets esm list` shows them"
        )
    answer: Mapping[str, Any] = call(
        account.client("lambda").get_event_source_mapping,
        action="lambda:GetEventSourceMapping",
        resource=f"event source mapping {uuid}",
        translate=for_code("ResourceNotFoundException", lambda: not_found(account, uuid)),
        UUID=uuid,
    )
    return answer


def find_mapping(
    account: AwsAccount,
    *,
    uuid: str | None = None,
    function: str | None = None,
    source: str | None = None,
    topic: str | None = None,
) -> EventSourceMapping:
    """The one mapping with the UUID, and with the function, source and topic as far as they are given.

    Raises MappingNotFoundError for none, also where the one with the UUID has a different function, source or topic,
    AmbiguousMappingError with the candidates for several, PlatformError
    when AWS refuses or does not answer.
    """
    if uuid is not None:
        found_one = get_mapping(account, uuid)
        if not _is_so(found_one, function, source, topic):
            raise MappingNotFoundError(
                f"the mapping with that UUID has a different function, source or topic: {one_line(found_one)}; leave them out, "
                "or the UUID"
            )
        return found_one
    if function is None and source is None and topic is None:
        raise MappingNotFoundError("no mapping was named; give its UUID, or function, source and topic")
    found = list_mappings(account, function=function, source=source, topic=topic)
    asked = ", ".join(
        f"{name} {value}"
        for name, value in (("function", function), ("source", source), ("topic", topic))
        if value
    )
    if not found:
        raise MappingNotFoundError(
            f"no event source mapping in {account} has {asked}; see `mesh-assets esm list`"
        )
    if len(found) > 1:
        candidates = "\n".join(f"  {one_line(mapping)}" for mapping in found)
        raise AmbiguousMappingError(
            f"{len(found)} event source mappings have {asked}; choose one by its UUID:\n{candidates}",
            [mapping.uuid for mapping in found],
        )
    return get_mapping(account, found[0].uuid)  # the list omits encrypted filters


def one_line(mapping: EventSourceMapping) -> str:
    """The mapping in one line, for people."""
    return f"{mapping.uuid}  {mapping.topic} of {mapping.source} → {mapping.function_name} ({mapping.state})"


def not_found(account: AwsAccount, uuid: str) -> MappingNotFoundError:
    """The error for a UUID that the account does not have."""
    return MappingNotFoundError(f"{account} has no event source mapping {uuid}; see `mesh-assets esm list`")


def same_source(mapping: EventSourceMapping, source: str) -> bool:
    """Whether the mapping reads this source, given as in `list_mappings`."""
    if source.startswith("arn:"):
        return mapping.event_source_arn == source
    return set(mapping.bootstrap_servers) == {
        server.strip() for server in source.split(",") if server.strip()
    }


def _answers(account: AwsAccount, source: str | None) -> Iterator[dict[str, Any]]:
    arguments: dict[str, Any] = {"MaxItems": _A_PAGE}
    if source is not None and source.startswith("arn:"):
        arguments["EventSourceArn"] = source
    seen: set[str] = set()
    for _ in range(_MOST_PAGES):
        answer = call(
            account.client("lambda").list_event_source_mappings,
            action="lambda:ListEventSourceMappings",
            resource=f"the event source mappings of {account}",
            **arguments,
        )
        page: Sequence[dict[str, Any]] = answer.get("EventSourceMappings", ())
        yield from page
        marker = answer.get("NextMarker")
        if not marker:
            return
        if marker in seen:
            raise UnexpectedAnswerError(
                f"the list of event source mappings of {account} repeats a page; expected each page once"
            )
        seen.add(marker)
        arguments["Marker"] = marker
    raise UnexpectedAnswerError(
        f"the list of event source mappings of {account} has more than {_MOST_PAGES} pages; narrow it by source"
    )


Wanted = Literal["Enabled", "Disabled", "deleted"]

DEFAULT_DEADLINE_SECONDS = 300.0
"""Creating an MSK mapping takes minutes, because its network interfaces come first."""

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 5.0


class Progress(Struct, frozen=True, kw_only=True):
    """Where a mapping is, reported at each change of state. `state` None: gone."""

    uuid: str
    state: str | None
    reason: str | None
    seconds: float


class WrongEndError(EsmError):
    """The mapping settled in a state other than the one waited for."""


_CONSISTENT_SECONDS = 20.0
"""How long a read may lag behind a change: a new mapping unknown, a changed one in its old state."""


def wait_until(
    account: AwsAccount,
    uuid: str,
    wanted: Wanted,
    *,
    after: EventSourceMapping | None = None,
    deadline_seconds: float = DEFAULT_DEADLINE_SECONDS,
    progress: Callable[[Progress], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> EventSourceMapping | None:
    """Waits until the mapping is enabled, disabled or gone; boto3 has no waiter for it.

    `after`: Lambda's answer to the change that is waited for. For a while, reads may not show it: anything older
    than it does not count then. Returns the mapping, or None once it is gone. Raises WaitTimeoutError
    after the deadline, WrongEndError when it settles as Disabled instead of Enabled, MappingNotFoundError
    when it vanishes, PlatformError when AWS refuses or does not answer.
    """
    start = clock()
    pause = _FIRST_PAUSE_SECONDS
    reported: tuple[str | None, str | None] | None = None
    while True:
        mapping = _mapping(account, uuid)
        seconds = clock() - start
        stale = _is_stale(mapping, after) and wanted != "deleted" and seconds < _CONSISTENT_SECONDS
        if stale:
            mapping = after
        elif mapping is None and wanted != "deleted":
            raise not_found(account, uuid)
        else:
            after = None  # reads show the change now, and will continue to
        state, reason = (None, None) if mapping is None else (mapping.state, mapping.state_transition_reason)
        if progress is not None and (state, reason) != reported:
            progress(Progress(uuid=uuid, state=state, reason=reason, seconds=seconds))
            reported = (state, reason)
        if mapping is None or (state == wanted and not stale):
            return mapping
        if wanted == "Enabled" and state == "Disabled" and not stale:
            raise WrongEndError(
                f"mapping {uuid} is Disabled instead of Enabled ({reason or 'no reason given'}); enable it, or see its last result"
            )
        if seconds + pause > deadline_seconds:
            last = mapping.last_processing_result or "none"
            raise WaitTimeoutError(
                f"mapping {uuid} is {state} after {seconds:.0f} s, not {wanted} ({reason or 'no reason given'}; last result: {last}); "
                "it may still get there; look again with `mesh-assets esm get`"
            )
        sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _is_stale(mapping: EventSourceMapping | None, after: EventSourceMapping | None) -> bool:
    """Whether a read does not show the change that Lambda has answered with `after`."""
    if after is None:
        return False
    if mapping is None or mapping.last_modified is None or after.last_modified is None:
        return mapping is None
    return mapping.last_modified < after.last_modified


def _mapping(account: AwsAccount, uuid: str) -> EventSourceMapping | None:
    try:
        return get_mapping(account, uuid)
    except MappingNotFoundError:
        return None
