"""Whether mappings are well, by what Lambda and Kafka say of them."""

from collections.abc import Sequence

from msgspec import Struct

from mesh_assets.esm.lag import MappingLag
from mesh_assets.esm.mapping import EventSourceMapping

_ON_ITS_WAY = frozenset({"Creating", "Enabling", "Enabled", "Updating"})
_NO_PROBLEM = frozenset({"OK", "No records processed"})


class Health(Struct, frozen=True, kw_only=True):
    """`sentence` says it in one; `findings` name the mappings."""

    passed: bool
    sentence: str
    findings: tuple[str, ...] = ()


def enabled(mappings: Sequence[EventSourceMapping]) -> Health:
    return _health(
        [
            f"{_name(m)} is {m.state} ({m.state_transition_reason or 'no reason given'})"
            for m in mappings
            if m.state not in _ON_ITS_WAY
        ],
        len(mappings),
        "not enabled",
    )


def last_result_ok(mappings: Sequence[EventSourceMapping]) -> Health:
    """A mapping that has not said anything yet has no problem."""
    bad = [
        m
        for m in mappings
        if m.last_processing_result is not None and m.last_processing_result not in _NO_PROBLEM
    ]
    return _health([f"{_name(m)}: {m.last_processing_result}" for m in bad], len(mappings), "with a problem")


def not_lagging(mappings: Sequence[EventSourceMapping], lags: Sequence[MappingLag]) -> Health:
    """A lag that could not be read is a finding, too: nobody knows that it is small."""
    by_uuid = {mapping.uuid: mapping for mapping in mappings}
    findings = []
    for lag in lags:
        mapping = by_uuid[lag.uuid]
        if lag.failed:
            findings.append(f"{_name(mapping)}: the lag is not known: {lag.why}")
        elif (
            lag.lag_records is not None
            and lag.most_allowed is not None
            and lag.lag_records > lag.most_allowed
        ):
            findings.append(
                f"{_name(mapping)}: {lag.lag_records:,} records behind (more than {lag.most_allowed:,})"
            )
    health = _health(findings, len(mappings), "lagging or not known")
    outside = sum(lag.cluster is None and not lag.failed for lag in lags)
    if not outside:
        return health
    return Health(
        passed=health.passed,
        sentence=f"{health.sentence}; {outside} not looked at, as their clusters are not in the estate",
        findings=health.findings,
    )


def _health(findings: Sequence[str], number: int, words: str) -> Health:
    sentence = (
        f"{len(findings)} of {number} {words}"
        if findings
        else f"all {number} are well"
        if number
        else "there is no mapping"
    )
    return Health(passed=not findings, sentence=sentence, findings=tuple(findings))


def _name(mapping: EventSourceMapping) -> str:
    return f"{mapping.function_name} ← {mapping.topic} ({mapping.uuid})"
