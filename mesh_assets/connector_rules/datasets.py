"""External datasets, named as OpenLineage names them, so that other tools mean the same table by the same name.

Source: OpenLineage's `spec/Naming.md`. Systems that it does not name (MongoDB, Elasticsearch, Redis, …) follow its
pattern: a scheme with host and port, then the path to the table.
"""

import re
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

from msgspec.structs import replace

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
    "teradata": _Kind(scheme="teradata", port=1025, has_schemas=False),
    "clickhouse": _Kind(scheme="clickhouse", port=8123, has_schemas=False),
    "ch": _Kind(scheme="clickhouse", port=8123, has_schemas=False),
}
_ORACLE = re.compile(
    r"jdbc:oracle:thin:(?:[^@/]*/[^@]*)?@(?:(?:tcps?:)?//)?"
    r"(?P<host>[\w.-]+)(?::(?P<port>\d+))?[:/](?P<name>[\w.$#-]+)"
)
# `(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=h)(PORT=1521))(CONNECT_DATA=(SERVICE_NAME=s)))`
_ORACLE_NAME = re.compile(r"\(\s*(?:SERVICE_NAME|SID)\s*=\s*([\w.$#-]+)\s*\)", re.IGNORECASE)
_HOST = r"(?:[\w.*-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?"  # parts may be masked
_HOSTS = re.compile(f"{_HOST}(?:,{_HOST})*")
_REDSHIFT = re.compile(r"([\w-]+)\.[\w-]+\.([a-z0-9-]+)\.redshift\.amazonaws\.com(?:\.cn)?")
_PROPERTY = re.compile(r";\s*(?P<name>\w+)\s*=\s*(?P<value>[^;]*)")
_MONGO_HOSTS = re.compile(r"mongodb(?:\+srv)?://(?:[^@/]*@)?(?P<hosts>[^/?]+)")


def dataset(namespace: str, name: str) -> Node:
    return Node(kind="dataset", namespace=namespace, name=name)


def database(
    kind: str, host: str, port: str | None, name: str | None, *, schema: str | None = None
) -> Database:
    """The database of that kind (as in its JDBC URL: `postgresql`, `sqlserver`, …) on that host, without a leading user."""
    host = host.rpartition("@")[2]
    if kind == "redshift" and (found := _REDSHIFT.fullmatch(host)):
        host = f"{found[1]}.{found[2]}"  # the cluster's name and its region
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
        return _oracle(url, schema)
    prefix, _, rest = url.partition("://")
    kind = _kind(prefix.removeprefix("jdbc:").split(":"))
    if not url.startswith("jdbc:") or not rest or kind is None:
        return None
    if kind == "sqlserver":
        return _sql_server(rest, schema)
    where, _, path = rest.partition("/")
    if kind == "snowflake":
        return _snowflake(where, path, schema)
    name = re.split(r"[?;:&]", path, maxsplit=1)[0]
    where = re.split(r"[?;]", where, maxsplit=1)[0].rpartition("@")[2]
    if kind == "mysql" and (pairs := _addresses(where)):  # `address=(host=h)(port=3306)`
        where = ",".join(pairs)
    if not _HOSTS.fullmatch(where):
        return None
    if "=" in name:  # Teradata's options are where others have the database
        named = re.search(r"(?:^|,)DATABASE=([^,]+)", name, re.IGNORECASE)
        name = "" if named is None else named[1]
    if "," in where:
        return _several(kind, where.split(","), name, schema)
    host, _, port = where.partition(":")
    return database(kind, host, port, name, schema=schema)


def _kind(words: Sequence[str]) -> str | None:
    """What kind of database a URL is for, also behind another driver, or with a way to connect: `aws-wrapper:postgresql`,
    `mysql:loadbalance`."""
    known = [word for word in words if word in _KINDS]
    if known:
        return known[0]
    return words[0] if len(words) == 1 and re.fullmatch(r"[a-z0-9]+", words[0]) else None


def _oracle(url: str, schema: str | None) -> Database | None:
    found = _ORACLE.match(url)
    if found is not None:
        return database("oracle", found["host"], found["port"], found["name"], schema=schema)
    addresses, name = _addresses(url), _ORACLE_NAME.search(url)
    return None if not addresses or name is None else _several("oracle", addresses, name[1], schema)


def _addresses(text: str) -> list[str]:
    """The addresses in parentheses, as `host:port`; none unless each has both."""
    hosts, ports = (
        re.findall(rf"[(,]\s*{key}\s*=\s*({value})\s*(?=[),])", text, re.IGNORECASE)
        for key, value in (("host", r"[\w.-]+"), ("port", r"\d+"))
    )
    return (
        [f"{host}:{port}" for host, port in zip(hosts, ports, strict=True)]
        if len(hosts) == len(ports)
        else []
    )


def _sql_server(rest: str, schema: str | None) -> Database:
    """`host:1433;databaseName=d`, `host\\instance;…`, and jTDS's `host:1433/d;instance=i`."""
    where, _, _ = rest.partition(";")
    names = {found["name"].lower(): found["value"].strip() for found in _PROPERTY.finditer(rest)}
    where, _, path = where.partition("/")
    host, _, port = where.partition(":")
    host, _, instance = host.partition("\\")
    return sql_server(
        host or names.get("servername", ""),
        port or names.get("portnumber") or names.get("port"),
        instance or names.get("instancename") or names.get("instance"),
        path or names.get("databasename") or names.get("database"),
        schema=schema,
    )


def sql_server(
    host: str, port: str | None, instance: str | None, name: str | None, *, schema: str | None = None
) -> Database:
    """A named instance has a port that only its server knows; a port that is given is stronger than the name."""
    if instance is None or port is not None:
        return database("sqlserver", host, port, name, schema=schema)
    found = database("sqlserver", host, None, name, schema=schema)
    return replace(found, namespace=f"mssql://{host}/{instance}")


def _snowflake(where: str, path: str, schema: str | None) -> Database | None:
    namespace = snowflake_namespace(where)
    options = {key.lower(): values[-1] for key, values in parse_qs(path.lstrip("?")).items()}
    if namespace is None:
        return None
    own = schema or options.get("schema", "").upper() or None
    return Database(
        namespace=namespace, name=options.get("db", "").upper() or None, has_schemas=True, schema=own
    )


def snowflake_namespace(url: str | None) -> str | None:
    """`snowflake://account` from an account's address."""
    address = web_address(url or "")
    if address is None:
        return None
    account = address[0].partition("://")[2].partition(":")[0].removesuffix(".snowflakecomputing.com")
    return f"snowflake://{account}"


def _several(kind: str, addresses: Sequence[str], name: str | None, schema: str | None) -> Database:
    """A database at several addresses, each with its port, so that two lists differ only by order."""
    known = _KINDS.get(kind, _Kind(scheme=kind, port=0))
    where = ",".join(one if ":" in one or not known.port else f"{one}:{known.port}" for one in addresses)
    return Database(
        namespace=f"{known.scheme}://{where}",
        name=name or None,
        has_schemas=known.has_schemas,
        schema=schema or known.schema,
    )


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
