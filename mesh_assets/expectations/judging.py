"""`judge`: what a topic's sample says about the rules for it.

A sample says less than the whole topic. So a figure is a range wherever records could not be decoded or were not sampled,
and a rule passes or fails only if it does so for the whole range; otherwise it is unknown, which is not a pass.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Literal, NamedTuple

from mesh_assets.estate.expectations import OPERATORS, SECONDS_OF_UNIT, QualityRule
from mesh_assets.expectations.counting import answers_with_a_count
from mesh_assets.expectations.measuring import (
    OFFSET,
    PARTITION,
    TIMESTAMP,
    NotMeasuredError,
    measure,
    records_with_values,
    undecodable_records,
)
from mesh_assets.expectations.querying import ask
from mesh_assets.expectations.records import ExpectationResult, ExpectationStatus, FailingRecords
from mesh_assets.inventory.wording import counted, listed

if TYPE_CHECKING:
    import pandas as pd

_OFFSETS = 10
_PARTITIONS = 50


class Rule(NamedTuple):
    """A quality rule with its name, its level, and who expects it: `policy`, or the id of a contract."""

    name: str
    rule: QualityRule
    level: Literal["warning", "error"]
    origin: str


class _Figure(NamedTuple):
    """From `least` to `most`, both possible. `broken`: the records that break the rule; None: it is not about records.
    `withheld`: it may be a value from a record, so only the conclusion is reported."""

    least: float
    most: float
    broken: "pd.DataFrame | None" = None
    why_unsure: str | None = None
    withheld: bool = False


def judge(
    topic: str,
    frame: "pd.DataFrame",
    rules: Iterable[Rule],
    *,
    cluster: str,
    now: datetime | None = None,
    held: int | None = None,
    has_newest: bool = True,
) -> tuple[ExpectationResult, ...]:
    """What the sample says about each rule, in order.

    `frame`: one row per sampled record, with columns for fields by dotted path, `__partition`, `__offset`, `__timestamp`
    (UTC, NaT: none) and, where there are any, `__tombstone` and `__undecodable`. It is not modified. `held`: how many
    records the topic holds, where that is known exactly. `has_newest`: whether the sample reaches the end of the topic.
    `now`: for freshness; defaults to the clock.
    """
    values = records_with_values(frame)
    return tuple(
        _judge(
            one,
            topic,
            cluster,
            frame,
            undecodable_records(frame),
            partial(_figure, one.rule, frame, values, now or datetime.now(UTC), held, has_newest),
        )
        for one in rules
    )


def _judge(
    one: Rule,
    topic: str,
    cluster: str,
    frame: "pd.DataFrame",
    undecodable: int,
    figure: "Callable[[], _Figure]",
) -> ExpectationResult:
    rule, unit = one.rule, unit_of(one.rule)
    why, found = None, None
    try:
        found = figure()
    except NotMeasuredError as error:
        why = str(error)
    status: ExpectationStatus = "unknown" if found is None else _status(rule, found.least, found.most)
    broken = found.broken if found is not None and status != "passed" else None
    about, expected = about_of(rule), expected_of(rule)
    places = () if broken is None else tuple(_places(broken))
    return ExpectationResult(
        cluster=cluster,
        topic=topic,
        rule=one.name,
        origin=one.origin,
        level=one.level,
        status=status,
        about=about,
        expected=expected,
        measured=None if found is None or found.withheld or found.least == -inf else found.least,
        measured_most=None if found is None or found.withheld or found.most == inf else found.most,
        unit=unit,
        sampled=len(frame),
        undecodable=undecodable,
        failing=None if found is None or found.broken is None else len(found.broken),
        places=places,
        sentence=_sentence(f"{topic}: {about}", expected, status, found, unit, why, places),
    )


def _figure(
    rule: QualityRule,
    frame: "pd.DataFrame",
    values: "pd.DataFrame",
    now: datetime,
    held: int | None,
    has_newest: bool,
) -> _Figure:
    if rule.metric == "rowCount":
        if held is not None:
            return _Figure(held, held)
        return _Figure(
            len(frame), inf, None, "the topic may hold more than the sample, and how much is not known"
        )
    if frame.empty:
        raise NotMeasuredError("no record was sampled, so nothing is known")
    if rule.metric == "freshness":
        return _freshness(rule, frame, now, has_newest)
    undecodable = undecodable_records(frame)
    if values.empty:
        what = "none of the sampled records could be decoded" if undecodable else "all are tombstones"
        raise NotMeasuredError(f"{what}, so nothing is known about fields")
    if rule.type == "sql":
        return _answered(rule, values, undecodable)
    measured = measure(rule, values)
    broken = None if measured.broken is None else values.loc[measured.broken, [PARTITION, OFFSET]]
    least, most = float(measured.number), float(measured.number + undecodable)
    if rule.unit == "percent":
        all_of_them = len(values) + undecodable
        least, most = 100 * least / all_of_them, 100 * most / all_of_them
    return _Figure(least, most, broken, _undecodable_text(undecodable))


def _freshness(rule: QualityRule, frame: "pd.DataFrame", now: datetime, has_newest: bool) -> _Figure:
    newest = frame[TIMESTAMP].max()
    if newest is None or newest != newest:  # NaT
        raise NotMeasuredError("no sampled record has a timestamp")
    seconds = max(0.0, (now - newest.to_pydatetime()).total_seconds())
    age = seconds / SECONDS_OF_UNIT[rule.unit or "s"]
    if has_newest:
        return _Figure(age, age)
    return _Figure(0.0, age, None, "the sample does not reach to the newest records")


def _answered(rule: QualityRule, values: "pd.DataFrame", undecodable: int) -> _Figure:
    answer = ask(values, rule.query or "", rule.path)
    if isinstance(answer, bool):
        _, wanted = rule.operator
        if not isinstance(wanted, bool):
            raise NotMeasuredError("the query returns true or false; compare with mustBe: true")
        if undecodable:
            return _Figure(0.0, 1.0, None, _undecodable_text(undecodable))
        return _Figure(float(answer), float(answer))
    if isinstance(rule.operator[1], bool):
        raise NotMeasuredError("the query returns a number; compare with one, not with true or false")
    if isinstance(answer, float):
        if undecodable:  # the query does not say what it counts or adds up
            return _Figure(-inf, inf, None, _undecodable_text(undecodable))
        return _Figure(answer, answer, withheld=not answers_with_a_count(rule.query or ""))
    return _Figure(len(answer), len(answer) + undecodable, answer, _undecodable_text(undecodable))


def _undecodable_text(records: int) -> str | None:
    return f"{counted(records, 'record')} could not be decoded" if records else None


def _status(rule: QualityRule, least: float, most: float) -> ExpectationStatus:
    """Whether every figure from `least` to `most` is as wanted, or none is."""
    name, wanted = rule.operator
    low, high = wanted if isinstance(wanted, tuple) else (float(wanted), float(wanted))
    within = low <= least and most <= high
    apart = most < low or high < least
    every, none = {
        "must_be": (within, apart),
        "must_not_be": (apart, within),
        "must_be_between": (within, apart),
        "must_not_be_between": (apart, within),
        "must_be_greater_than": (least > low, most <= low),
        "must_be_greater_or_equal_to": (least >= low, most < low),
        "must_be_less_than": (most < low, least >= low),
        "must_be_less_or_equal_to": (most <= low, least > low),
    }[name]
    return "passed" if every else "failed" if none else "unknown"


def _places(broken: "pd.DataFrame") -> Iterator[FailingRecords]:
    for number, (partition, rows) in enumerate(broken.groupby(PARTITION, sort=True)):
        if number == _PARTITIONS:
            return
        offsets = sorted(int(offset) for offset in rows[OFFSET])
        yield FailingRecords(
            partition=int(str(partition)), records=len(offsets), offsets=tuple(offsets[:_OFFSETS])
        )


def about_of(rule: QualityRule) -> str:
    """`nullValues of order_id`."""
    if rule.type == "sql":
        return "the query" if rule.path is None else f"the query about {rule.path}"
    paths = rule.arguments.properties if rule.metric == "duplicateValues" and rule.path is None else None
    of = listed(list(paths)) if paths else rule.path
    return str(rule.metric) if of is None else f"{rule.metric} of {of}"


def expected_of(rule: QualityRule) -> str:
    """`at most 5 percent`."""
    name, wanted = rule.operator
    text = f"{wanted[0]:,} and {wanted[1]:,}" if isinstance(wanted, tuple) else _plain(wanted)
    unit = unit_of(rule)
    return f"{OPERATORS[name]} {text}{f' {unit}' if unit else ''}"


def unit_of(rule: QualityRule) -> str:
    """Empty for a query, whose result has none."""
    return rule.unit or ("" if rule.type == "sql" else "rows")


def _plain(value: float | bool) -> str:
    return (
        str(value).lower()
        if isinstance(value, bool)
        else f"{value:,g}"
        if isinstance(value, float)
        else f"{value:,}"
    )


def _sentence(
    subject: str,
    expected: str,
    status: ExpectationStatus,
    found: _Figure | None,
    unit: str,
    why: str | None,
    places: tuple[FailingRecords, ...],
) -> str:
    if found is None:
        return f"{subject} could not be determined: {why}; expected {expected}"
    if found.withheld:
        which = "such a" if status == "passed" else "another"
        return f"{subject} returns {which} number, which may be a value from a record and is withheld; expected {expected}"
    text = _range_text(found, unit, truth=expected.endswith((" true", " false")))
    if status == "unknown":
        return f"{subject} could not be determined: {text}, since {found.why_unsure}; expected {expected}"
    sentence = f"{subject} {'are' if unit == 'rows' else 'is'} {text}; expected {expected}"
    if not places:
        return sentence
    shown = [
        f"partition {one.partition} at offset{'s' if len(one.offsets) > 1 else ''} "
        f"{', '.join(map(str, one.offsets))}{' …' if one.records > len(one.offsets) else ''}"
        for one in places[:3]
    ]
    return f"{sentence}. In {'; '.join(shown)}{f' and {len(places) - 3} more partitions' if len(places) > 3 else ''}"


def _range_text(found: _Figure, unit: str, *, truth: bool) -> str:
    if truth:
        return str(bool(found.least)).lower() if found.least == found.most else "true or false"
    tail = f" {unit}" if unit else ""
    least, most = f"{found.least:,.6g}", f"{found.most:,.6g}"
    if found.least == found.most:
        return f"{least}{tail}"
    if found.least == -inf:
        return "what it answers"
    return f"at least {least}{tail}" if found.most == inf else f"from {least} to {most}{tail}"
