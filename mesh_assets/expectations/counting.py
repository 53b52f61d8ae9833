"""Whether the number that a query returns is a count. Any other number may be a value from a record (`SELECT max(card)`), and
no value leaves memory."""

from typing import TYPE_CHECKING

from mesh_assets.importing import importing

if TYPE_CHECKING:
    from sqlglot.expressions import Expr


_MAKE_ROWS = ("range", "generate_series", "unnest", "repeat_row", "generate_subscripts")


def answers_with_a_count(query: str) -> bool:
    """For a query with one column: whether it consists only of `count`, `sum` over a CASE of constants, and arithmetic
    with constants (shares, percentages), over rows of the sample. Where a number generates or limits rows
    (`range(max(card))`), their count would be that number. False where that is unclear."""
    with importing:
        import sqlglot
        from sqlglot import exp
        from sqlglot.errors import SqlglotError

    text = query.replace("{object}", "sample").replace("{property}", '"property"')
    try:
        [parsed] = sqlglot.parse(text, dialect="duckdb")
    except (SqlglotError, RecursionError, ValueError):
        return False
    return isinstance(parsed, exp.Select) and _is_one_count(parsed) and not _makes_rows(parsed)


def _makes_rows(select: "Expr") -> bool:
    with importing:
        from sqlglot import exp

    if any(one.args.get("recursive") for one in select.find_all(exp.With)):
        return True
    if any(not isinstance(one.this, exp.Identifier) for one in select.find_all(exp.Table)):
        return True
    cuts = [one.expression for one in select.find_all(exp.Limit, exp.Offset)]
    made = (exp.UDTF, exp.Explode, exp.GenerateSeries, exp.Values, exp.TableSample)
    unnamed = any(one.name.casefold() in _MAKE_ROWS for one in select.find_all(exp.Anonymous))
    return unnamed or select.find(*made) is not None or not all(map(_is_constant, cuts))


def _is_one_count(select: "Expr") -> bool:
    columns: list[Expr] = select.args.get("expressions") or []
    return len(columns) == 1 and _is_count(columns[0])


def _is_count(one: "Expr") -> bool:
    with importing:
        from sqlglot import exp

    if isinstance(one, exp.Count | exp.CountIf | exp.ApproxDistinct) or _is_constant(one):
        return True
    if isinstance(one, exp.Sum):
        return isinstance(one.this, exp.Case) and _chooses_constants(one.this)
    if isinstance(one, exp.Subquery):
        return isinstance(one.this, exp.Select) and _is_one_count(one.this)
    if isinstance(one, exp.Alias | exp.Paren | exp.Neg | exp.Round | exp.Cast | exp.Filter):
        return _is_count(one.this)
    if isinstance(one, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Nullif):
        return _is_count(one.this) and _is_count(one.expression)
    return isinstance(one, exp.Coalesce) and all(map(_is_count, (one.this, *one.expressions)))


def _chooses_constants(case: "Expr") -> bool:
    default = case.args.get("default")
    chosen = [branch.args.get("true") for branch in case.args.get("ifs") or ()]
    return all(_is_constant(one) for one in chosen) and (default is None or _is_constant(default))


def _is_constant(one: "Expr | None") -> bool:
    with importing:
        from sqlglot import exp

    return isinstance(one, exp.Literal | exp.Null) or (isinstance(one, exp.Neg) and _is_constant(one.this))
