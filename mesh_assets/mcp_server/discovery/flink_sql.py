"""What a Flink SQL statement does, told from its words: whether it reads only, or changes something."""

import re

from mesh_assets.errors import MeshError

_TOKEN = re.compile(
    r"(?P<space>\s+|--[^\n]*|/\*.*?\*/)"
    r"|(?P<quoted>'(?:[^']|'')*'|`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\")"
    r"|(?P<word>[A-Za-z_][\w$]*)|(?P<end>;)|(?P<open>['`\"]|/\*)|(?P<other>.)",
    re.DOTALL,
)
_READS = frozenset({"SELECT", "WITH", "VALUES", "SHOW", "DESCRIBE", "DESC", "EXPLAIN"})
# These only tell of a statement, whatever words it has.
_ONLY_TELLS = frozenset({"SHOW", "DESCRIBE", "DESC", "EXPLAIN"})
_WRITING = """
INSERT UPDATE DELETE UPSERT MERGE CREATE DROP ALTER TRUNCATE EXECUTE CALL ANALYZE LOAD UNLOAD RESET USE BEGIN COMPILE GRANT REVOKE INTO
"""
_CHANGES = frozenset(_WRITING.split())


class StatementError(MeshError):
    """Not one statement that can be told."""


def reads_only(sql: str) -> bool:
    """Whether the one statement in `sql` changes nothing; what is not known to read only does not.

    Raises StatementError for none, for several, and for text or a comment that does not end.
    """
    words: list[str] = []
    ended = False
    for token in _TOKEN.finditer(sql):
        if token["space"] is not None:
            continue
        if token["open"] is not None:
            raise StatementError(
                f"the statement has {token['open']} at character {token.start() + 1} that is never closed"
            )
        if ended:
            raise StatementError("expected one statement; pass each in a call of its own")
        if token["end"] is not None:
            ended = True
            continue
        words.append(token["word"].upper() if token["word"] is not None else "")
    if not words:
        raise StatementError("the statement is empty")
    if words[0] not in _READS:
        return False
    return words[0] in _ONLY_TELLS or _CHANGES.isdisjoint(words)
