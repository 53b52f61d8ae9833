"""How the data in topics is sampled, and what the estate expects of it: quality rules in the terms of ODCS, the Open Data
Contract Standard.

https://bitol-io.github.io/open-data-contract-standard/latest/data-quality/ defines metrics, operators and units. `freshness`
and the arguments `minimum` and `maximum` are ours: ODCS has them as a service level and as options of a type.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr, model_validator
from pydantic.alias_generators import to_camel

from mesh_assets.estate.fields import EstateModel, NamePatterns
from mesh_assets.importing import importing

ExpectationLevel = Literal["warning", "error"]
Metric = Literal["nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount", "freshness"]
Dimension = Literal[
    "accuracy", "completeness", "conformity", "consistency", "coverage", "timeliness", "uniqueness"
]
Unit = Literal["rows", "percent", "s", "min", "h", "d"]
SECONDS_OF_UNIT = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
OPERATORS = {
    "must_be": "exactly",
    "must_not_be": "anything but",
    "must_be_greater_than": "more than",
    "must_be_greater_or_equal_to": "at least",
    "must_be_less_than": "less than",
    "must_be_less_or_equal_to": "at most",
    "must_be_between": "between",
    "must_not_be_between": "not between",
}
"""ODCS's operators by field, worded for sentences. Between includes both ends, as in datacontract-cli."""

_Number = StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)]
_Scalar = StrictBool | _Number | StrictStr | None
_Path = Annotated[str, Field(min_length=1, max_length=1_000)]
_TopicField = Annotated[str, Field(min_length=1, max_length=512)]
# RE2, which matches any record in linear time, has no look-around and no back-references.
_NOT_IN_RE2 = re.compile(r"(?<!\\)(?:\\\\)*(?:\(\?(?:=|!|<=|<!|P=|\()|\\[1-9])")
_NEEDS_PROPERTY = ("nullValues", "missingValues", "invalidValues")


class ProfilingSettings(EstateModel):
    """How topics are sampled for their profiles, and which values may be named. Which topics: `allow_message_reading`.

    `strategy`: the newest records of each partition, runs of records at random offsets, or at even time intervals.

    Limits of one topic's sample: `records_per_partition`; `records`, `bytes` (of keys and values) and `seconds` in total.
    `name_values`: shell patterns of `topic/field` whose few values may be named instead of only counted by hash:
    `orders/status`.
    """

    strategy: Literal["latest", "random", "stratified"] = "latest"
    records_per_partition: int = Field(default=1_000, ge=1, le=100_000)
    records: int = Field(default=20_000, ge=1, le=1_000_000)
    bytes: int = Field(default=64_000_000, ge=1_000, le=1_000_000_000)
    seconds: float = Field(default=30.0, ge=1, le=3_600)
    name_values: tuple[_TopicField, ...] = ()


class _Odcs(EstateModel):
    model_config = ConfigDict(alias_generator=to_camel)


class MetricArguments(_Odcs):
    """What a metric needs besides its property. `valid_values`, `pattern` (matches anywhere unless anchored), `minimum` and
    `maximum` (both inclusive): what is valid. `missing_values`: what counts as missing. `properties`: unique together."""

    valid_values: tuple[_Scalar, ...] | None = Field(default=None, min_length=1)
    pattern: str | None = None
    minimum: _Number | None = None
    maximum: _Number | None = None
    missing_values: tuple[_Scalar, ...] | None = Field(default=None, min_length=1)
    properties: tuple[_Path, ...] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _possible(self) -> "MetricArguments":
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"pattern is not a regular expression: {error}") from error
            if _NOT_IN_RE2.search(self.pattern):
                raise ValueError(
                    "pattern uses look-around or a back-reference, which RE2 does not support; write it without (?=…), (?!…), (?<…) and \\1"
                )
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(
                f"minimum {self.minimum} is above maximum {self.maximum}, which no value can meet"
            )
        return self


class QualityRule(_Odcs):
    """One rule in ODCS's form: a metric of a property or of the whole topic, or an SQL query, and one operator.

    `path` (in ODCS `property`): a field of the values, with dots. `unit`: for counts, rows (default) or percent; for freshness, s,
    min, h or d. `query`: over the sample as `{object}`, with `{property}` for the property; it returns a number, true or false,
    or the failing records, as `__partition` and `__offset`, whose number is compared.
    """

    description: str | None = None
    dimension: Dimension | None = None
    type: Literal["library", "sql"] = "library"
    metric: Metric | None = None
    path: _Path | None = Field(default=None, alias="property")
    arguments: MetricArguments = MetricArguments()
    query: str | None = Field(default=None, min_length=1, max_length=20_000)
    unit: Unit | None = None
    must_be: StrictBool | _Number | None = None
    must_not_be: StrictBool | _Number | None = None
    must_be_greater_than: _Number | None = None
    must_be_greater_or_equal_to: _Number | None = None
    must_be_less_than: _Number | None = None
    must_be_less_or_equal_to: _Number | None = None
    must_be_between: tuple[_Number, _Number] | None = None
    must_not_be_between: tuple[_Number, _Number] | None = None

    @model_validator(mode="before")
    @classmethod
    def _type_by_what_is_given(cls, data: Any) -> Any:
        if isinstance(data, dict) and "query" in data and "metric" not in data and "type" not in data:
            return {**data, "type": "sql"}
        return data

    @model_validator(mode="after")
    def _complete(self) -> "QualityRule":
        problem = next(self._problems(), None)
        if problem is not None:
            raise ValueError(problem)
        return self

    @property
    def operator(self) -> tuple[str, Any]:
        """The one operator, by field, and what it compares with."""
        return next((name, value) for name, value in self._operators())

    def _operators(self) -> Iterator[tuple[str, Any]]:
        return ((name, getattr(self, name)) for name in OPERATORS if getattr(self, name) is not None)

    def _problems(self) -> Iterator[str]:
        operators = [to_camel(name) for name, _ in self._operators()]
        if len(operators) != 1:
            yield (
                f"expected one operator ({', '.join(map(to_camel, OPERATORS))}), found "
                f"{' and '.join(operators) or 'none'}"
            )
        for bounds in (self.must_be_between, self.must_not_be_between):
            if bounds is not None and bounds[0] > bounds[1]:
                yield f"{bounds[0]} is above {bounds[1]}; write the smaller number first"
        yield from self._problems_of_query() if self.type == "sql" else self._problems_of_metric()

    def _problems_of_query(self) -> Iterator[str]:
        if self.query is None or self.metric is not None:
            yield "a rule of type sql has a query and no metric"
            return
        if self.unit == "percent" or self.unit in SECONDS_OF_UNIT:
            yield f"unit {self.unit} does not apply to a query, whose result is compared as it is; leave it out"
        if "{property}" in self.query and self.path is None:
            yield "query has {property}, but the rule names no property"
        problem = _not_one_query(self.query)
        if problem is not None:
            yield f"query {problem}; expected one SELECT in DuckDB's SQL"

    def _problems_of_metric(self) -> Iterator[str]:
        if self.metric is None or self.query is not None:
            yield "expected a metric, or type: sql with a query"
            return
        given = self.arguments
        if isinstance(self.must_be, bool) or isinstance(self.must_not_be, bool):
            yield "only queries return true or false; a metric is compared with a number"
        if self.metric in _NEEDS_PROPERTY and self.path is None:
            yield f"metric {self.metric} needs a property: the field's dotted path"
        if self.metric in ("rowCount", "freshness") and self.path is not None:
            yield f"metric {self.metric} is for the whole topic; leave property out"
        if self.metric == "duplicateValues" and (self.path is None) == (given.properties is None):
            yield "metric duplicateValues needs a property, or arguments.properties with several"
        valid = (given.valid_values, given.pattern, given.minimum, given.maximum)
        if self.metric == "invalidValues" and all(one is None for one in valid):
            yield "metric invalidValues needs arguments: validValues, pattern, minimum or maximum"
        if self.metric == "missingValues" and given.missing_values is None:
            yield "metric missingValues needs arguments.missingValues, such as [null, '', 'N/A']"
        if self.metric == "freshness":
            if self.unit not in SECONDS_OF_UNIT:
                yield "metric freshness needs a unit: s, min, h or d"
        elif self.unit in SECONDS_OF_UNIT or (self.metric == "rowCount" and self.unit == "percent"):
            yield f"unit {self.unit} does not apply to {self.metric}"


class Expectation(QualityRule):
    """A quality rule, and the topics it applies to. `name`: of the check in Dagster, unique in the policy. `level`: how bad a
    failure is."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_]*$", max_length=100)
    level: ExpectationLevel = "error"
    topics: NamePatterns = NamePatterns()
    clusters: NamePatterns = NamePatterns()

    def selects(self, cluster: str, topic: str) -> bool:
        return self.clusters.selects(cluster) and self.topics.selects(topic)


def _not_one_query(query: str) -> str | None:
    """What is wrong with it; None: it is a single SELECT. The parser is imported only if there is a query."""
    with importing:
        import sqlglot
        from sqlglot.errors import ParseError, SqlglotError
        from sqlglot.expressions import Query

    text = query.replace("{object}", "sample").replace("{property}", '"property"')
    try:
        statements = sqlglot.parse(text, dialect="duckdb")
    except ParseError as error:
        places = [f"line {one['line']}, column {one['col']}" for one in error.errors[:1]]
        return f"cannot be parsed{f' at {places[0]}' if places else ''}"
    except SqlglotError:
        return "cannot be parsed"
    if len(statements) != 1:
        return f"holds {len(statements)} statements"
    return None if isinstance(statements[0], Query) else "does not select"
