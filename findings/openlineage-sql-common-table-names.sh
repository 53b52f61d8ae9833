#!/usr/bin/env bash
# Which tables OpenLineage's SQL parser does not see that a statement reads: those that are read by a common table expression of
# the same name, as dbt's style guides want it (`WITH orders AS (SELECT * FROM raw.orders)`). One would expect `raw.orders`, which
# has a schema and so cannot be the expression.
#
# Seen with openlineage-sql 1.54.0, in every dialect tried:
#
#   WITH source AS (SELECT id FROM raw.orders) … FROM source     reads raw.orders
#   WITH orders AS (SELECT id FROM raw.orders) … FROM orders     reads nothing; `id` comes from raw.orders
#   two such expressions and a join with raw.items               reads raw.items
#
# There is no error, and the same answer's column lineage does name raw.orders. It matters to whoever lets Airflow's SQL operators, or
# Spark for queries over JDBC, tell a catalog what a job reads: nothing, or, worse, a part of it. sqlglot, asked beside it, finds all.
#
# Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openlineage-sql==1.54.0 sqlglot==30.30.0
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import sqlglot
from openlineage_sql import parse
from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

DIALECTS = ("ansi", "bigquery", "databricks", "hive", "mssql", "mysql", "postgres", "redshift", "snowflake")
ONE = "INSERT INTO mart.daily WITH {name} AS (SELECT id FROM raw.orders) SELECT id FROM {name}"
TWO = (
    "CREATE TABLE mart.daily AS WITH orders AS (SELECT * FROM raw.orders), customers AS (SELECT * FROM raw.customers) "
    "SELECT * FROM orders JOIN customers USING (customer_id) JOIN raw.items USING (order_id)"
)


def read_by(statement, dialect):
    found = parse([statement], dialect=dialect)
    assert not found.errors and [table.qualified_name for table in found.out_tables] == ["mart.daily"]
    columns = {
        (column.origin.qualified_name, column.name) for each in found.column_lineage for column in each.lineage
    }
    return [table.qualified_name for table in found.in_tables], columns


def read_as_sqlglot_says(statement):
    query = sqlglot.parse_one(statement).find(exp.Select)
    sources = (source for scope in traverse_scope(query) for source in scope.sources.values())
    return sorted({source.sql() for source in sources if isinstance(source, exp.Table)})


print("openlineage-sql", version("openlineage-sql"), "sqlglot", version("sqlglot"))
named, same = ONE.format(name="source"), ONE.format(name="orders")
for dialect in DIALECTS:
    found = {"source": read_by(named, dialect), "orders": read_by(same, dialect), "both": read_by(TWO, dialect)}
    if dialect == DIALECTS[0]:
        for name, (tables, columns) in found.items():
            print(f"{name:8} reads {tables}, columns {sorted(columns)}")
    assert found["source"] == (["raw.orders"], {("raw.orders", "id")}), (dialect, found)
    assert found["orders"] == ([], {("raw.orders", "id")}), (dialect, found)
    assert found["both"][0] == ["raw.items"], (dialect, found)
print("the same in", *DIALECTS)
assert read_as_sqlglot_says(same) == ["raw.orders"]
assert read_as_sqlglot_says(TWO) == ["raw.customers", "raw.items", "raw.orders"]
print("sqlglot finds", *read_as_sqlglot_says(TWO))
PYTHON
