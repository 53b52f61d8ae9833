"""External datasets, named as OpenLineage names them, so that other tools mean the same table by the same name.

Source: OpenLineage's `spec/Naming.md`. Systems that it does not name (MongoDB, Elasticsearch, Redis, …) follow its
pattern: a scheme with host and port, then the path to the table.
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from mesh_assets.analysis.graph import Node
from mesh_assets.inventory.links import kafka_addresses
from mesh_assets.inventory.records import Record

WHOLE = "/"
"""The name where only the system or the bucket is known."""


class Database(Record, frozen=True, kw_only=True):
    """A database that holds tables. `schema`: the schema of tables named without one. `has_schemas`: whether a table's name
    includes the schema."""

    namespace: str
    name: str | None
    has_schemas: bool
    schema: str | None = None

    def table(self, name: str, schema: str | None = None) -> Node:
        """The table, in its own schema or in the default one."""
        within = (schema or self.schema) if self.has_schemas else None
        return dataset(self.namespace, ".".join(part for part in (self.name, within, name) if part))

    @property
    def whole(self) -> Node:
        """Where only the database is known."""
        return dataset(self.namespace, self.name or WHOLE)


class _Kind(Record, frozen=True, kw_only=True):
    scheme: str
    port: int
    has_schemas: bool = True
    schema: str | None = None


_KINDS = {
    "postgresql": _Kind(scheme="postgres", port=5432, schema="public"),
    "mysql": _Kind(scheme="mysql", port=3306, has_schemas=False),
    "mariadb": _Kind(scheme="mysql", port=3306, has_schemas=False),
    "sqlserver": _Kind(scheme="mssql", port=1433, schema="dbo"),
    "oracle": _Kind(scheme="oracle", port=1521),
    "db2": _Kind(scheme="db2", port=50000),
    "informix": _Kind(scheme="informix", port=9088),
    "redshift": _Kind(scheme="redshift", port=5439, schema="public"),
    "clickhouse": _Kind(scheme="clickhouse", port=8123, has_schemas=False),
    "ch": _Kind(scheme="clickhouse", port=8123, has_schemas=False),
}
_ORACLE = re.compile(
    r"jdbc:oracle:thin:(?:[^@/]*/[^@]*)?@(?://)?(?P<host>[\w.-]+)(?::(?P<port>\d+))?[:/](?P<name>[\w.$#-]+)"
)
_PROPERTY = re.compile(r";\s*(?P<name>\w+)\s*=\s*(?P<value>[^;]*)")
_MONGO_HOSTS = re.compile(r"mongodb(?:\+srv)?://(?:[^@/]*@)?(?P<hosts>[^/?]+)")


def dataset(namespace: str, name: str) -> Node:
    return Node(kind="dataset", namespace=namespace, name=name)


def database(
    kind: str, host: str, port: str | None, name: str | None, *, schema: str | None = None
) -> Database:
    """The database of that kind (as in its JDBC URL: `postgresql`, `sqlserver`, …) on that host, without a leading user."""
    host = host.rpartition("@")[2]
    known = _KINDS.get(kind, _Kind(scheme=kind, port=0))
    where = f"{host}:{port}" if port else f"{host}:{known.port}" if known.port else host
    return Database(
        namespace=f"{known.scheme}://{where}",
        name=name or None,
        has_schemas=known.has_schemas,
        schema=schema or known.schema,
    )


def database_of_url(url: str, *, schema: str | None = None) -> Database | None:
    """The database of a JDBC URL; None if its form is not known. Users, passwords and options are ignored."""
    if url.startswith("jdbc:oracle:"):
        found = _ORACLE.match(url)
        return (
            None
            if found is None
            else database("oracle", found["host"], found["port"], found["name"], schema=schema)
        )
    prefix, _, rest = url.partition("://")
    kind = prefix.removeprefix("jdbc:")
    if not url.startswith("jdbc:") or not rest or not re.fullmatch(r"[a-z0-9]+", kind):
        return None
    if kind == "sqlserver":
        where, _, _ = rest.partition(";")
        names = {found["name"].lower(): found["value"].strip() for found in _PROPERTY.finditer(rest)}
        host, _, port = where.partition(":")
        return database(
            kind,
            host.split("\\")[0] or names.get("servername", ""),
            port or names.get("portnumber"),
            names.get("databasename") or names.get("database"),
            schema=schema,
        )
    where, _, path = rest.partition("/")
    name = re.split(r"[?;:&]", path, maxsplit=1)[0]
    where = re.split(r"[?;]", where, maxsplit=1)[0].rpartition("@")[2]
    if not where:
        return None
    if "," in where:  # several hosts: each with its port, so that two lists differ only by order
        known = _KINDS.get(kind, _Kind(scheme=kind, port=0))
        where = ",".join(
            one if ":" in one or not known.port else f"{one}:{known.port}" for one in where.split(",")
        )
        return Database(
            namespace=f"{known.scheme}://{where}",
            name=name or None,
            has_schemas=known.has_schemas,
            schema=schema or known.schema,
        )
    host, _, port = where.partition(":")
    return database(kind, host, port, name, schema=schema)


def mongo_namespace(connection: str) -> str | None:
    """`mongodb://host:27017` from a connection string or from hosts (`rs0/a:27017,b:27017`); None for anything else."""
    found = _MONGO_HOSTS.match(connection)
    if found is None and "://" in connection:
        return None
    hosts = found["hosts"] if found else connection.rpartition("@")[2].rpartition("/")[2]
    if not hosts:
        return None
    if connection.startswith("mongodb+srv://") or (found is None and ":" not in hosts):
        return f"mongodb://{hosts}"  # a DNS name that resolves to hosts and their ports
    return "mongodb://" + ",".join(one if ":" in one else f"{one}:27017" for one in hosts.split(","))


def web_address(url: str, *, scheme: str | None = None, port: int | None = None) -> tuple[str, str] | None:
    """(`scheme://host:port`, path) of a URL, without user, password and query; None if it has no host."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        host, own_port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host:
        return None
    shown = own_port or port
    address = f"{scheme or parts.scheme or 'http'}://{host}" + (f":{shown}" if shown else "")
    return address, parts.path.strip("/") or WHOLE


def kafka_namespace(bootstrap_servers: Sequence[str]) -> str | None:
    """`kafka://host:port` of the first of the sorted servers, as in OpenLineage; None if none of them is an address."""
    first = min(kafka_addresses(",".join(bootstrap_servers)), default=None)
    return None if first is None else f"kafka://{first}"
