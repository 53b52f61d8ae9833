"""Flink SQL as drafts use it: field types, and a parser that checks whether a draft can be read.

sqlglot has no dialect for Flink. Spark's reads the statements in drafts once it knows these words:
https://nightlies.apache.org/flink/flink-docs-stable/docs/dev/table/sql/create/
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from mesh_assets.importing import importing

if TYPE_CHECKING:
    from sqlglot.expressions import Expr
    from sqlglot.tokens import Token  # type: ignore[attr-defined]

# According to Flink's formats avro-confluent, json and protobuf; unsigned integers and decimals of unknown
# precision have no type there that is certain to be right.
_AVRO = {
    "string": "STRING",
    "int": "INT",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "bytes": "BYTES",
    "fixed": "BYTES",
    "string (uuid)": "STRING",
    "int (date)": "DATE",
    "long (timestamp-millis)": "TIMESTAMP(3)",
}
_JSON = {"string": "STRING", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN"}
_PROTOBUF = {
    "string": "STRING",
    "int32": "INT",
    "sint32": "INT",
    "sfixed32": "INT",
    "int64": "BIGINT",
    "sint64": "BIGINT",
    "sfixed64": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "bytes": "BYTES",
}
_INTEGERS = {"INT": 0, "BIGINT": 1}
# Quoted text and comments. Names, and options that name something, have a group of their own, since quoting
# does not change them.
_QUOTED = re.compile(
    r"`(?P<name>[a-zA-Z0-9._-]+)`(?!`)|(?P<option>'(?:topic|key\.fields)' = )'[a-zA-Z0-9._-]+'(?!')|(?P<comment>--[^\n]*)"
    r"|`(?:[^`]|``)*`|'(?:[^']|'')*'"
)
_PATH = re.compile(r"[^.\[\]{}]+(\.[^.\[\]{}]+)*")


def flink_type(schema_type: str, shown: str) -> str | None:
    """A field's type in Flink, from its type as analyses show it. None: no type is certain to be right."""
    if schema_type == "AVRO":
        return "STRING" if shown.startswith("enum(") else _AVRO.get(shown)
    if schema_type == "JSON":
        return _JSON.get(shown.partition(" (")[0])
    return _PROTOBUF.get(shown)


def common_type(one: str, other: str) -> str | None:
    """The type that two keys are cast to for comparison; None: they have the same."""
    if one == other:
        return None
    if one in _INTEGERS and other in _INTEGERS:
        return max(one, other, key=_INTEGERS.__getitem__)
    return "STRING"


def is_column_path(path: str) -> bool:
    """Whether it leads only through records: a value in an array or a map has no column to join by."""
    return _PATH.fullmatch(path) is not None


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def why_draft_unreadable(sql: str) -> str | None:
    """Like `why_unreadable`, which takes a few milliseconds, but asked only once for all drafts that differ
    only in plain names."""
    if "\\" in sql:  # which Flink and Spark read differently
        return why_unreadable(sql)
    numbers: dict[str, int] = {}

    def shape(part: re.Match[str]) -> str:
        if part["name"] is not None:
            return f"`n{numbers.setdefault(part['name'], len(numbers))}`"
        if part["option"] is not None:
            return f"{part['option']}'t'"
        return part[0] if part["comment"] is None else "--"

    return None if _is_readable(_QUOTED.sub(shape, sql)) else why_unreadable(sql)


@lru_cache(maxsize=1_024)
def _is_readable(sql: str) -> bool:
    return why_unreadable(sql) is None


def why_unreadable(sql: str) -> str | None:
    """Why the statements are not SQL that can be run as it is, or name a column that none of their tables
    has; None: they can be read. `sql`: CREATE TABLE for each table, then one SELECT."""
    with importing:
        from sqlglot import exp
        from sqlglot.errors import SqlglotError

    try:
        statements = parse_flink(sql)
    except SqlglotError as error:
        return f"sqlglot cannot read it: {str(error).splitlines()[0]}"
    columns: dict[str, set[str]] = {}
    selects = [one for one in statements if isinstance(one, exp.Select)]
    for one in statements:
        if isinstance(one, exp.Create) and isinstance(one.this, exp.Schema):
            columns[one.this.this.name] = {column.name for column in one.this.find_all(exp.ColumnDef)}
        elif not isinstance(one, exp.Select):
            return (
                f"sqlglot reads a statement as {type(one).__name__}, which is neither CREATE TABLE nor SELECT"
            )
    if len(selects) != 1:
        return f"it has {len(selects)} SELECT statements; expected one"
    aliases = {table.alias_or_name: table.name for table in selects[0].find_all(exp.Table)}
    for column in selects[0].find_all(exp.Column):
        table, name = column.parts[0].name, column.parts[1].name if len(column.parts) > 1 else ""
        if name not in columns.get(aliases.get(table, ""), ()):
            return f"it names the column {table}.{name}, which no table of it has"
    return None


def parse_flink(sql: str) -> "list[Expr]":
    """The statements, as sqlglot parses them for Spark. Raises SqlglotError."""
    with importing:
        from sqlglot.dialects.spark import Spark

    spark = Spark()
    return [one for one in spark.parser().parse(list(_as_spark(spark.tokenize(sql))), sql) if one is not None]


def _as_spark(tokens: "Iterable[Token]") -> "Iterator[Token]":
    """Flink's own syntax, in Spark's tokens. sqlglot compiled to C (`sqlglot[c]`) does not let anyone extend
    its parsers."""
    with importing:
        from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]

    spark = {"ROW": TokenType.STRUCT, "TIMESTAMP_LTZ": TokenType.TIMESTAMPLTZ, "BYTES": TokenType.BINARY}
    left, depth, opened = deque(tokens), 0, -1
    while left:
        one = left.popleft()
        word = one.text.upper() if one.token_type not in (TokenType.IDENTIFIER, TokenType.STRING) else ""
        following = [each.text.upper() for each in islice(left, 3)]
        if word == "METADATA":  # METADATA FROM 'timestamp' VIRTUAL, where only the first word is required
            for _ in range(2 if following[:1] == ["FROM"] else 0):
                left.popleft()
            if left and left[0].text.upper() == "VIRTUAL":
                left.popleft()
            continue
        if word == "WATERMARK" and following[::2] == ["FOR", "AS"]:  # WATERMARK FOR column AS expression
            yield Token(TokenType.VAR, "CHECK")
            yield Token(TokenType.L_PAREN, "(")
            for _ in following:
                left.popleft()
            opened = depth
            continue
        depth += (one.token_type == TokenType.L_PAREN) - (one.token_type == TokenType.R_PAREN)
        if opened >= 0 and (depth < opened or (depth == opened and one.token_type == TokenType.COMMA)):
            yield Token(TokenType.R_PAREN, ")")
            opened = -1
        yield Token(spark[word], word) if word in spark else one
