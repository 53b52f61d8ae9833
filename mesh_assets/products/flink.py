"""Flink's SQL as drafts use it: types of fields, and a parser that says whether a draft can be read.

sqlglot has no dialect for Flink. Spark's with these additions reads the statements that drafts consist of:
https://nightlies.apache.org/flink/flink-docs-stable/docs/dev/table/sql/create/
"""

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from mesh_assets.importing import importing

if TYPE_CHECKING:
    from sqlglot.dialects.dialect import Dialect

# By the formats avro-confluent, json and protobuf of Flink; unsigned integers and decimals without a known precision have
# no type there that is surely right.
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
_PATH = re.compile(r"[^.\[\]{}]+(\.[^.\[\]{}]+)*")


def flink_type(schema_type: str, shown: str) -> str | None:
    """The type of a field in Flink, from its type as analyses show it. None: there is none that is surely right."""
    if schema_type == "AVRO":
        return "STRING" if shown.startswith("enum(") else _AVRO.get(shown)
    if schema_type == "JSON":
        return _JSON.get(shown.partition(" (")[0])
    return _PROTOBUF.get(shown)


def common_type(one: str, other: str) -> str | None:
    """The type to which two keys are cast to be compared; None: they have the same."""
    if one == other:
        return None
    if one in _INTEGERS and other in _INTEGERS:
        return max(one, other, key=_INTEGERS.__getitem__)
    return "STRING"


def is_column_path(path: str) -> bool:
    """Whether it leads through records alone: what is in an array or a map has no column to join by."""
    return _PATH.fullmatch(path) is not None


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def why_unreadable(sql: str) -> str | None:
    """Why the statements are no SQL that can be run as they stand, or name a column that no table of theirs has; None: they
    can be read. `sql`: CREATE TABLE for each table, then one SELECT."""
    with importing:
        from sqlglot import exp, parse
        from sqlglot.errors import SqlglotError

    try:
        statements = [one for one in parse(sql, dialect=flink_dialect()) if one is not None]
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


@cache
def flink_dialect() -> "type[Dialect]":
    with importing:
        from sqlglot import exp
        from sqlglot.dialects.spark import Spark
        from sqlglot.tokens import TokenType  # type: ignore[attr-defined]

    class FlinkTokenizer(Spark.Tokenizer):
        KEYWORDS = {  # noqa: RUF012 - sqlglot's own form
            **Spark.Tokenizer.KEYWORDS,
            "ROW": TokenType.STRUCT,
            "TIMESTAMP_LTZ": TokenType.TIMESTAMPLTZ,
        }

    class FlinkParser(Spark.Parser):  # type: ignore[misc, valid-type]
        CONSTRAINT_PARSERS = {  # noqa: RUF012
            **Spark.Parser.CONSTRAINT_PARSERS,
            "METADATA": lambda self: self.flink_metadata(),
            "WATERMARK": lambda self: self.flink_watermark(),
        }
        SCHEMA_UNNAMED_CONSTRAINTS = {*Spark.Parser.SCHEMA_UNNAMED_CONSTRAINTS, "WATERMARK"}  # noqa: RUF012

        def flink_metadata(self) -> Any:
            """`METADATA FROM 'timestamp' VIRTUAL`"""
            key = self._parse_string() if self._match_text_seq("FROM") else None
            self._match_text_seq("VIRTUAL")
            return self.expression(exp.CommentColumnConstraint(this=key))

        def flink_watermark(self) -> Any:
            """`WATERMARK FOR column AS expression`"""
            if not self._match_text_seq("FOR"):
                self.raise_error("expected FOR after WATERMARK")
            self._parse_column()
            if not self._match_text_seq("AS"):
                self.raise_error("expected AS after the column of the WATERMARK")
            return self.expression(exp.CheckColumnConstraint(this=self._parse_assignment()))

    class Flink(Spark):
        Tokenizer = FlinkTokenizer
        Parser = FlinkParser

    return Flink
