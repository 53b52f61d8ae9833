"""An agent's Flink SQL: whether a statement only reads, which tables it reads, and whether its result can be masked by
column names.

Flink reads `//` as a comment, ends a comment at a carriage return and, depending on the version, knows other literals.
So nothing is sent as it came: a statement that reads is rewritten from the tokens that were judged here. Anything that
is not understood is refused.

A query must keep the name of a personal column, and text as it is: a different name, or a part of the text, would slip
past the masks. Flink also has functions that call models, tools and users' own code, so only those known to just
compute are let through.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from mesh_assets.analysis.schema_fields import is_personal
from mesh_assets.errors import MeshError

Effect = Literal["reads_rows", "describes", "may_change"]

_TOKEN = re.compile(
    r"(?P<space>[ \t\n\r\f]+|(?:--|//)[^\n\r]*|/\*.*?\*/)"
    r"|(?P<text>'(?:[^']|'')*')|(?P<name>`(?:[^`]|``)+`)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_$]*)|(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<open>['`]|/\*)|(?P<sign><=|>=|<>|!=|=>|\|\||[-+*/%<>=(),.\[\]])|(?P<end>;)|(?P<odd>.)",
    re.DOTALL,
)
_ROWS = frozenset({"SELECT", "WITH", "VALUES"})
# These only describe, no matter what words follow.
_DESCRIBES = frozenset({"SHOW", "DESCRIBE", "DESC", "EXPLAIN"})
_WRITING = """
INSERT UPDATE DELETE UPSERT MERGE CREATE DROP ALTER TRUNCATE EXECUTE CALL ANALYZE LOAD UNLOAD RESET USE BEGIN COMPILE GRANT REVOKE INTO
"""
_CHANGES = frozenset(_WRITING.split())
# They name columns by position, by the first of several queries, or not at all.
_NAMELESS = (
    "UNION INTERSECT EXCEPT MINUS MATCH_RECOGNIZE PIVOT UNPIVOT LATERAL UNNEST RECURSIVE WINDOW TABLESAMPLE"
)
_RENAMING = frozenset(_NAMELESS.split())
_COMPUTING = """
COUNT SUM AVG MIN MAX FIRST_VALUE LAST_VALUE LAG LEAD ROW_NUMBER RANK DENSE_RANK PERCENT_RANK NTILE STDDEV_POP
STDDEV_SAMP VAR_POP VAR_SAMP VARIANCE COALESCE NULLIF IFNULL IF GREATEST LEAST ABS CEIL CEILING FLOOR ROUND MOD
POWER SQRT SIGN CAST TRY_CAST EXTRACT TIMESTAMPDIFF TIMESTAMPADD TO_TIMESTAMP TO_TIMESTAMP_LTZ DATE_FORMAT
UNIX_TIMESTAMP FROM_UNIXTIME NOW CURRENT_WATERMARK CARDINALITY CHAR_LENGTH TUMBLE HOP CUMULATE SESSION DESCRIPTOR
"""
_FUNCTIONS = frozenset(_COMPUTING.split())
_WINDOWS = frozenset({"TUMBLE", "HOP", "CUMULATE", "SESSION"})
# Reserved words, which cannot name a table or alias.
_RESERVED = """
SELECT FROM JOIN TABLE WHERE ON USING AND OR NOT IN EXISTS ANY SOME ALL DISTINCT HAVING BY CASE WHEN THEN ELSE AS OVER
VALUES BETWEEN LIKE
"""
_BEFORE_PARENTHESIS = frozenset(_RESERVED.split())
# A row or bytes as text would hold fields without their names; CHAR(3), a part of a value.
_NO_TEXT = "BOOLEAN TINYINT SMALLINT INT INTEGER BIGINT FLOAT DOUBLE DECIMAL NUMERIC DATE TIME TIMESTAMP TIMESTAMP_LTZ"
_CAST_TO = frozenset(_NO_TEXT.split())
_TYPES = frozenset({"DECIMAL", "NUMERIC", "TIME", "TIMESTAMP", "TIMESTAMP_LTZ"})
# Other words may be names there (`FROM a QUALIFY, b`), so a list of tables continues after them.
_AFTER_TABLES = frozenset({"WHERE", "GROUP", "HAVING", "ORDER"})
_AFTER_KEY = frozenset({",", ")", "HAVING", "ORDER", "LIMIT", "ASC", "DESC", "ROWS", "RANGE", ""})


class StatementError(MeshError):
    """The text is not one complete statement, or cannot be judged."""


@dataclass(frozen=True, slots=True)
class Token:
    """`text`: as it is sent. `value`: a word in capitals, the text between quotes, or the sign."""

    kind: str
    text: str
    value: str

    @property
    def is_identifier(self) -> bool:
        return self.kind in ("word", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """`sql`: what may be sent. `tables`: those that `reads_rows` reads, as paths of up to three names, without queries
    that the statement itself names."""

    sql: str
    effect: Effect
    tables: tuple[tuple[str, ...], ...] = ()


def read_statement(sql: str) -> Statement:
    """Judges the one statement in `sql`.

    Raises StatementError for no statement, several statements, an unclosed literal or comment, and a query that
    cannot be judged. A statement that may change something is not judged further, and is kept as it came.
    """
    tokens, ended = [], False
    first = next((found for found in _TOKEN.finditer(sql) if found["space"] is None), None)
    if first is None or first["end"] is not None:
        raise StatementError("the statement is empty")
    if first[0].upper() not in _ROWS | _DESCRIBES and first["open"] is None:
        return Statement(sql=sql, effect="may_change")
    for found in _TOKEN.finditer(sql):
        if found["space"] is not None:
            continue
        if found["open"] is not None:
            raise StatementError(f"the statement has an unclosed {found[0]} at character {found.start() + 1}")
        if ended:
            raise StatementError("expected one statement; run each in a call of its own")
        if found["end"] is not None:
            ended = True
        else:
            tokens.append(_token(found))
    words = {token.value for token in tokens if token.kind == "word"}
    query = _Query(tokens)
    if tokens[0].value in _DESCRIBES:
        query.check_functions()
        return Statement(sql=_written(tokens), effect="describes")
    if not _CHANGES.isdisjoint(words):
        return Statement(sql=sql, effect="may_change")
    return Statement(sql=_written(tokens), effect="reads_rows", tables=tuple(query.tables()))


def _token(found: re.Match[str]) -> Token:
    kind, text = str(found.lastgroup), found[0]
    where = f"at character {found.start() + 1}"
    if kind == "odd":
        raise StatementError(
            f"the statement has {text!a} {where}, which Flink may read differently: write names as `name` "
            "and text as 'text'"
        )
    if kind in ("text", "name") and "\\" in text:
        raise StatementError(f"the quotes {where} contain a backslash, which Flink may read differently")
    value = text.upper()
    if kind in ("text", "name"):
        value = text[1:-1].replace(text[0] * 2, text[0])
    return Token(kind, text, value)


def _written(tokens: Sequence[Token]) -> str:
    return " ".join(token.text for token in tokens)


@dataclass(slots=True)
class _Scope:
    """A pair of parentheses, or the whole. `opened_by`: the function or keyword before it. `clause`: the one it
    is in: `items`, `tables`, `keys` (after BY) or `other`."""

    opened_by: str
    is_query: bool
    clause: Literal["items", "tables", "keys", "other"] = "other"


@dataclass(slots=True)
class _Query:
    """Goes through a query once, and refuses what it does not know."""

    tokens: Sequence[Token]
    scopes: list[_Scope] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    """Queries of the WITH list that are complete; the rest are not visible yet."""

    def tables(self) -> Iterator[tuple[str, ...]]:
        self.scopes = [_Scope(opened_by="", is_query=True)]
        with_name: str | None = None
        expects_table = False
        at = 0
        while at < len(self.tokens):
            token, scope = self.tokens[at], self.scopes[-1]
            word = token.value if token.kind == "word" else ""
            if word == "WITH" and at:
                raise StatementError("only the whole statement may begin with WITH")
            if word == "WITH" or (with_name == "" and self._value(at) == ","):
                with_name = self._with_name(at + 1)
                at += 3
                continue
            is_window = word in _WINDOWS and self._value(at + 1) == "("
            if expects_table and not (self._value(at) in ("(", "TABLE") or is_window):
                path, at = self._path(at)
                if not (len(path) == 1 and path[0] in self.named):
                    yield path
                expects_table = False
                continue
            self._refuse_renaming(at)
            if self._value(at) == "(":
                self._open(at, lists_tables=expects_table)
                expects_table = expects_table and self.scopes[-1].clause == "tables"
            elif self._value(at) == ")":
                if len(self.scopes) == 1:
                    raise StatementError("the statement closes a parenthesis that it does not open")
                self.scopes.pop()
                if with_name and len(self.scopes) == 1:
                    self.named.add(with_name)
                    with_name = ""
            elif word == "SELECT":
                if scope.clause != "other":
                    raise StatementError("the statement has SELECT where no query can begin")
                scope.clause, with_name = "items", None if len(self.scopes) == 1 else with_name
            elif word == "TABLE":
                # `TABLE (` encloses a window function, which names its table itself.
                expects_table = True
            elif word == "JOIN" or (word == "FROM" and not self._is_operator(at)):
                scope.clause, expects_table = "tables", True
            elif word in _AFTER_TABLES:
                scope.clause = "other"
            elif word == "BY":
                scope.clause = "keys"
            elif self._value(at) == "," and scope.clause == "tables":
                expects_table = True
            elif is_window:
                expects_table = False
            elif token.is_identifier and not (word in _FUNCTIONS and self._value(at + 1) == "("):
                self._check_personal(at)
            at += 1
        if len(self.scopes) > 1 or expects_table:
            raise StatementError("the statement is not complete")

    def _value(self, at: int) -> str:
        token = self.tokens[at] if 0 <= at < len(self.tokens) else None
        return "" if token is None or token.kind in ("name", "text") else token.value

    def _with_name(self, at: int) -> str:
        """`name AS (` and nothing else: a list of columns would rename them."""
        if at >= len(self.tokens) or not self.tokens[at].is_identifier:
            raise StatementError("expected a name after WITH")
        if self._value(at + 1) != "AS" or self._value(at + 2) != "(":
            raise StatementError("expected WITH name AS (SELECT …), without a list of columns")
        return self._name(at)

    def _name(self, at: int) -> str:
        token = self.tokens[at]
        return token.text if token.kind == "word" else token.value

    def _path(self, at: int) -> tuple[tuple[str, ...], int]:
        """The name of a table, and where it ends."""
        names = []
        while True:
            if at >= len(self.tokens) or not self.tokens[at].is_identifier:
                raise StatementError("expected the name of a table after FROM, JOIN, TABLE or a comma")
            if self._value(at) in _RENAMING:
                raise StatementError(f"{self._value(at)} cannot be judged here; read the topic itself")
            names.append(self._name(at))
            if self._value(at + 1) != ".":
                return tuple(names), at + 1
            at += 2

    def _open(self, at: int, *, lists_tables: bool) -> None:
        self._check_function(at)
        word = self._value(at - 1)
        is_query = self._value(at + 1) in _ROWS
        is_list = lists_tables and not is_query and word not in _FUNCTIONS
        self.scopes.append(_Scope(opened_by=word, is_query=is_query, clause="tables" if is_list else "other"))

    def check_functions(self) -> None:
        """Even EXPLAIN may compute: Flink replaces calls with constant arguments by their values."""
        for at in range(1, len(self.tokens)):
            if self._value(at) == "(":
                self._check_function(at)

    def _check_function(self, at: int) -> None:
        """Whether a keyword or one of Flink's own functions comes before the parenthesis."""
        before = self.tokens[at - 1]
        word = self._value(at - 1)
        if not before.is_identifier or word in _BEFORE_PARENTHESIS:
            return
        if word in _TYPES and self._value(at - 2) == "AS" and self._in_cast():
            return
        if word not in _FUNCTIONS or self._value(at - 2) in (".", "AS", ")", "]") or self._ends_term(at - 2):
            raise StatementError(
                f"{before.text}(…) cannot be judged here: expected a function that computes without naming, cutting or "
                f"joining text ({', '.join(sorted(_FUNCTIONS))}); a name may not have a list of columns"
            )

    def _in_cast(self) -> bool:
        return not self.scopes or self.scopes[-1].opened_by in ("CAST", "TRY_CAST")

    def _ends_term(self, at: int) -> bool:
        """Whether it is a name or literal, after which a word is an alias and not a function."""
        token = self.tokens[at] if at >= 0 else None
        if token is None or token.kind == "sign":
            return False
        return token.kind != "word" or token.value not in _BEFORE_PARENTHESIS

    def _is_operator(self, at: int) -> bool:
        """FROM of `EXTRACT(YEAR FROM …)` and of `IS DISTINCT FROM`."""
        if self.scopes[-1].opened_by == "EXTRACT":
            return True
        return self._value(at - 1) == "DISTINCT" and self._value(at - 2) in ("IS", "NOT")

    def _refuse_renaming(self, at: int) -> None:
        token = self.tokens[at]
        value = self._value(at)
        if value in _RENAMING:
            raise StatementError(f"{value} cannot be judged here: it names columns by position or not at all")
        if value == "||":
            raise StatementError("joining text (||) is not allowed here: its parts would no longer be masked")
        in_cast = self.scopes[-1].opened_by in ("CAST", "TRY_CAST")
        if in_cast and value == "AS" and self._value(at + 1) not in _CAST_TO:
            kinds = ", ".join(sorted(_CAST_TO))
            raise StatementError(f"the result of this CAST cannot be judged here; expected one of {kinds}")
        if value == "[" and not (
            self._value(at + 2) == "]" and self.tokens[at + 1].kind in ("number", "text")
        ):
            raise StatementError("expected one number or one text between [ and ]")
        if token.kind == "text" and self._value(at - 1) == "[" and is_personal(token.value):
            raise StatementError(
                f"the entry {token.text} looks personal: select the whole column, which will be masked"
            )

    def _check_personal(self, at: int) -> None:
        """A personal column comes out under its own name, is counted, or orders and groups rows."""
        if not is_personal(self._name(at)) or self._value(at - 1) == "AS":
            if (
                self._value(at - 1) == "AS"
                and self._value(at + 1) not in (",", "FROM", ")", "")
                and is_personal(self._name(at))
            ):
                raise self._personal(at)
            return
        start = at
        while self._value(start - 1) == "." and start >= 2 and self.tokens[start - 2].is_identifier:
            start -= 2
        before, after, scope = self._value(start - 1), self._value(at + 1), self.scopes[-1]
        is_item = scope.is_query and scope.clause == "items" and before in ("SELECT", "DISTINCT", "ALL", ",")
        is_key = before == "BY" or (before == "," and scope.clause == "keys")
        is_counted = scope.opened_by == "COUNT" and before in ("(", "DISTINCT") and after == ")"
        if not ((is_item and after in (",", "FROM")) or (is_key and after in _AFTER_KEY) or is_counted):
            raise self._personal(at)

    def _personal(self, at: int) -> StatementError:
        return StatementError(
            f"{self.tokens[at].text} looks personal: it can be selected as it is (masked), counted, or used in GROUP BY or "
            "ORDER BY, but not renamed, computed with or searched"
        )
