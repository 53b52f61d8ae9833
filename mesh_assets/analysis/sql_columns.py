"""Which column of a query's tables becomes which column of its target, by sqlglot's own lineage."""

from typing import TYPE_CHECKING

from mesh_assets.importing import importing
from mesh_assets.inventory.records import Record

if TYPE_CHECKING:
    from sqlglot import exp

# Each column is followed through the whole query: a statement with more would take too long and is left out.
_MOST = 200


class SqlColumn(Record, frozen=True, kw_only=True):
    """A column of the table, by its path, and what it becomes, possibly together with others."""

    table: tuple[str, ...]
    source: str
    target: str


def columns_of_query(
    query: "exp.Expression", targets: tuple[str, ...] | None
) -> tuple[SqlColumn, ...] | None:
    """`targets`: the columns filled, in the order of the query's columns; None: as the query names them. Returns None
    where any column cannot be followed to its table (`*`, a name that two tables may have, a function's table)."""
    with importing:  # a third of a second, and needed only where there is SQL
        from sqlglot import exp, parse_one
        from sqlglot.lineage import lineage

    if not isinstance(query, exp.Query):
        return None
    query = query.copy()
    for number, select in enumerate(query.selects if targets else ()):
        if not select.alias_or_name:  # `SUM(price)` has no name, and is followed by one
            select.replace(exp.alias_(select.copy(), f"_column_{number}"))
    names = [select.alias_or_name for select in query.selects]
    wanted = targets or tuple(names)
    if len(names) > _MOST or len(wanted) != len(names) or len(set(names)) < len(names) or not all(names):
        return None
    found: dict[SqlColumn, None] = {}
    for name, target in zip(names, wanted, strict=True):
        try:
            leaves = [
                node
                for node in lineage(name, query.copy(), schema={}, dialect="spark").walk()
                if not node.downstream
            ]
            for leaf in leaves:
                if isinstance(leaf.expression, exp.Table) and isinstance(
                    leaf.expression.this, exp.Identifier
                ):
                    column = parse_one(leaf.name)
                    if not isinstance(column, exp.Column) or isinstance(column.this, exp.Star):
                        return None
                    path = tuple(part.name for part in leaf.expression.parts)
                    found[SqlColumn(table=path, source=column.name, target=target)] = None
                elif not isinstance(leaf.expression, exp.Alias) or leaf.expression.find(exp.Column):
                    return None
        except (
            Exception
        ):  # sqlglot's own, and AssertionError and others from within, on what it does not expect
            return None
    return tuple(sorted(found, key=lambda one: (one.table, one.source, one.target)))
