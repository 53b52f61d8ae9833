"""The Kafka Connect worker, distributed, with the file connectors as its only plugin; and the connectors it runs."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from confluent_kafka import Consumer, KafkaException, TopicPartition

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.datagen import write_first_records
from mesh_assets.sandbox.estate.clusters import (
    EMPTY_GROUP,
    EMPTY_GROUP_TOPICS,
    REFERENCED_PASSWORD,
    all_connectors,
)
from mesh_assets.sandbox.estate.topics import TOPICS
from mesh_assets.sandbox.folder import write_atomically
from mesh_assets.sandbox.java import LOG4J, JavaRuntime
from mesh_assets.sandbox.kafka_admin import committed_offsets, end_offsets, quiet_settings
from mesh_assets.sandbox.local_http import http_answers, local_client, send
from mesh_assets.sandbox.progress import Progress
from mesh_assets.sandbox.server import Launch, Server, Setting


def seed_empty_group(bootstrap_servers: str, progress: Progress) -> None:
    """Commit the offsets of the group without members, once. Raises `SandboxError` when the broker refuses."""
    if committed_offsets(bootstrap_servers, EMPTY_GROUP):
        return
    progress.say(f"committing the offsets of the empty group {EMPTY_GROUP}")
    # As if it had read most of the records and stopped.
    read = [
        TopicPartition(topic, p, end * 7 // 10)
        for (topic, p), end in end_offsets(bootstrap_servers, EMPTY_GROUP_TOPICS).items()
    ]
    consumer = Consumer(
        {**quiet_settings(bootstrap_servers), "group.id": EMPTY_GROUP, "enable.auto.commit": False}
    )
    try:
        consumer.commit(offsets=read, asynchronous=False)
    except KafkaException as error:
        raise SandboxError(
            f"the offsets of group {EMPTY_GROUP} could not be committed: {error.args[0].str()}"
        ) from error
    finally:
        consumer.close()


# Measured: with four in flight the worker rebalances after nearly every one.
_IN_FLIGHT = 40
_SECONDS = 420.0
_POLL_SECONDS = 0.5


def seed_connectors(setting: Setting, progress: Progress) -> None:
    """Create the missing connectors; wait until all run and their first records have arrived.

    Raises `SandboxError` when one does not start or records do not arrive in time.
    """
    secrets = setting.folder.config / "secrets.properties"
    write_atomically(secrets, f"payroll.password={REFERENCED_PASSWORD}\n", mode=0o600)
    wanted = all_connectors(feeds=setting.folder.feeds, sinks=setting.folder.sinks, secrets=secrets)
    with local_client(setting.state.connect_url) as client:
        there = {name: one["info"]["config"] for name, one in _expanded(client).items()}
        # A connector that a test or a user has changed stays as it is; one whose file was in a folder that has moved
        # would be broken.
        missing = {n: c for n, c in wanted.items() if n not in there or there[n].get("file") != c["file"]}
        if missing:
            progress.say(f"creating {len(missing)} connectors")
            _create(client, missing)
        _wait_until_running(client, wanted, strict=set(missing), progress=progress)
    if missing:
        _wait_until_delivered(setting.state.bootstrap_servers, progress)
    seed_empty_group(setting.state.bootstrap_servers, progress)


def connectors_settled(connect_url: str) -> str | None:
    """None when every connector and task has been assigned, else how many have not."""
    with local_client(connect_url) as client:
        try:
            states = [_state(one["status"]) for one in _expanded(client).values()]
        except SandboxError as error:
            return str(error)
    starting = states.count("UNASSIGNED")
    return f"{starting} of its {len(states)} connectors have not started" if starting else None


def _create(client: httpx.Client, missing: dict[str, dict[str, str]]) -> None:
    with ThreadPoolExecutor(_IN_FLIGHT, thread_name_prefix="connectors") as pool:
        # 409: the worker is rebalancing, as it does after new connectors.
        asked = [
            pool.submit(send, client, "PUT", f"/connectors/{n}/config", c, retry=(409, 500), seconds=_SECONDS)
            for n, c in missing.items()
        ]
        for one in asked:
            one.result()


def _wait_until_running(
    client: httpx.Client, wanted: dict[str, dict[str, str]], *, strict: set[str], progress: Progress
) -> None:
    """Wait until all have left their starting state; those in `strict` must be running then."""
    deadline = time.monotonic() + _SECONDS
    while True:
        states = {name: _state(one["status"]) for name, one in _expanded(client).items() if name in wanted}
        starting = sorted(name for name in wanted if states.get(name, "UNASSIGNED") == "UNASSIGNED")
        if not starting:
            break
        if time.monotonic() > deadline:
            raise SandboxError(
                f"{len(starting)} connectors did not start within {_SECONDS:.0f} s, the first is {starting[0]}"
            )
        time.sleep(_POLL_SECONDS)
    running = sum(state == "RUNNING" for state in states.values())
    progress.say(f"{running} of {len(wanted)} connectors are RUNNING")
    for name, state in sorted(states.items()):
        if state != "RUNNING" and name in strict:
            raise SandboxError(
                f"connector {name} is {state} right after its creation; its trace: GET {client.base_url}/connectors/{name}/status"
            )
        if state != "RUNNING":
            progress.say(f"  {name} is {state}")


def _expanded(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = send(
        client, "GET", "/connectors?expand=info&expand=status", retry=(409, 500)
    ).json()
    return {name: one for name, one in found.items() if "info" in one and "status" in one}


def _state(status: dict[str, Any]) -> str:
    """The connector's state or, if it is running, the worst of its tasks'. A running connector has at least one."""
    connector: str = status["connector"]["state"]
    tasks = [str(task["state"]) for task in status["tasks"]]
    if connector != "RUNNING":
        return connector if connector in ("FAILED", "PAUSED", "STOPPED") else "UNASSIGNED"
    for state in ("FAILED", "PAUSED"):
        if state in tasks:
            return state
    return "RUNNING" if tasks and all(t == "RUNNING" for t in tasks) else "UNASSIGNED"


def _wait_until_delivered(bootstrap_servers: str, progress: Progress) -> None:
    """Wait until the offsets of every topic show at least as many records as it starts with."""
    deadline = time.monotonic() + _SECONDS
    wanted = {topic.name: topic.backlog for topic in TOPICS}
    while True:
        ends = end_offsets(bootstrap_servers, tuple(wanted))
        counts = dict.fromkeys(wanted, 0)
        for (topic, _), end in ends.items():
            counts[topic] += end
        behind = sorted(name for name, count in counts.items() if count < wanted[name])
        if not behind:
            progress.say(f"{sum(counts.values()):,} records are in {len(counts)} topics")
            return
        if time.monotonic() > deadline:
            first = behind[0]
            raise SandboxError(
                f"{len(behind)} topics did not get their first records within {_SECONDS:.0f} s; "
                f"{first} has {counts[first]} of {wanted[first]}"
            )
        time.sleep(_POLL_SECONDS)


_PROPERTIES = """\
bootstrap.servers={broker}
group.id=sandbox-connect
listeners=http://{connect}
rest.advertised.host.name={host}
rest.advertised.port={port}
plugin.path={plugins}
plugin.discovery=service_load
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
config.storage.topic=connect-configs
offset.storage.topic=connect-offsets
status.storage.topic=connect-status
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
offset.storage.partitions=2
status.storage.partitions=1
offset.flush.interval.ms=5000
# One worker: nobody else could take the tasks over while it is away.
scheduled.rebalance.max.delay.ms=0
# The least the broker allows: after a kill, the new worker waits that long for the dead one.
session.timeout.ms=6000
heartbeat.interval.ms=2000
config.providers=file,env,dir
config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider
config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider
config.providers.dir.class=org.apache.kafka.common.config.provider.DirectoryConfigProvider
"""


def _plugins(setting: Setting) -> Path:
    return setting.folder.data / "connect-plugins"


def _launch(setting: Setting, java: JavaRuntime) -> Launch:
    properties = setting.folder.config / "connect.properties"
    log4j = setting.folder.config / "connect-log4j2.properties"
    host, port = setting.state.address("connect").split(":")
    return Launch(
        command=tuple(
            java.kafka_command(
                "org.apache.kafka.connect.cli.ConnectDistributed", str(properties), log4j=log4j
            )
        ),
        files={
            properties: _PROPERTIES.format(
                broker=setting.state.bootstrap_servers,
                connect=setting.state.address("connect"),
                host=host,
                port=port,
                plugins=_plugins(setting),
            ),
            log4j: LOG4J.format(target="SYSTEM_OUT", level="warn")
            + "logger.connect.name = org.apache.kafka.connect\nlogger.connect.level = info\n"
            # At INFO, each of 40 tasks logs all of its settings.
            + "logger.runtime.name = org.apache.kafka.connect.runtime\nlogger.runtime.level = warn\n"
            # While the broker is away, each of 40 clients would log several refused connections a second.
            + "logger.network.name = org.apache.kafka.clients.NetworkClient\nlogger.network.level = error\n"
            + "logger.source.name = org.apache.kafka.connect.file\nlogger.source.level = warn\n",
        },
    )


def _prepare(setting: Setting, java: JavaRuntime, progress: Progress) -> None:  # noqa: ARG001 - the signature of a record's function
    """The records that its sources read, and the plugin folder.

    The folder holds the plugin's jar and nothing else; the jar must not be on the class path as well.
    """
    plugin = _plugins(setting) / "file" / java.plugin_jar.name
    plugin.parent.mkdir(parents=True, exist_ok=True)
    for old in plugin.parent.iterdir():
        if old.name != plugin.name or old.resolve() != java.plugin_jar.resolve():
            old.unlink()
    if not plugin.exists():
        plugin.symlink_to(java.plugin_jar)
    write_first_records(setting.folder.feeds)


CONNECT = Server(
    name="connect",
    title="Kafka Connect",
    ports=("connect",),
    needs=("broker",),
    answer_suffices=("broker",),
    launch=_launch,
    prepare=_prepare,
    # The root path answers before the worker has joined its group, the list before it has read which connectors there are:
    # they would be created again.
    answers=lambda setting: http_answers(f"{setting.state.connect_url}/health", seconds=5),
    settled=lambda setting: connectors_settled(setting.state.connect_url),
    endpoint=lambda state: state.connect_url,
    seed=seed_connectors,
    stop_seconds=15.0,
)
