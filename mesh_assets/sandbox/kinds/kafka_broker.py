"""What the sandbox's Kafka brokers have in common: each is one KRaft node, broker and controller at once."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.folder import write_atomically
from mesh_assets.sandbox.java import LOG4J, JavaRuntime
from mesh_assets.sandbox.kafka_admin import Login, broker_answers
from mesh_assets.sandbox.progress import Progress
from mesh_assets.sandbox.server import Launch, Server, Setting
from mesh_assets.sandbox.state import State, random_id

Protocol = Literal["PLAINTEXT", "SASL_PLAINTEXT", "SSL", "SASL_SSL"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One way into a broker.

    `name`: Kafka's name for it, in capitals. `port`: its port's purpose in the sandbox's state. `properties`: the broker
    properties it needs, e.g. who may log in.
    """

    name: str
    port: str
    protocol: Protocol = "PLAINTEXT"
    properties: Callable[[Setting], Mapping[str, str]] = lambda setting: {}  # noqa: ARG005


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A broker as data.

    `listeners`: for clients; the broker itself uses the first, which is also the one that the sandbox reports.
    `controller`: the controller's listener. `cluster_id`: written into its storage once. `properties`: what else differs
    from other brokers. `login`: how the sandbox's own clients log in at the first listener; None: without.
    """

    name: str
    title: str
    listeners: tuple[Listener, ...]
    controller: Listener
    cluster_id: Callable[[State], str]
    properties: Callable[[Setting], Mapping[str, str]] = lambda setting: {}  # noqa: ARG005
    login: Callable[[Setting], Login | None] = lambda setting: None  # noqa: ARG005
    seed: Callable[[Setting, Progress], None]
    heap_megabytes: int = 512


_PROPERTIES = """\
process.roles=broker,controller
node.id=1
# One node: nothing can be replicated.
default.replication.factor=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
offsets.topic.num.partitions=6
transaction.state.log.num.partitions=2
share.coordinator.state.topic.num.partitions=2
# A typo in a topic's name must not create a topic.
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
# Members of the newer protocol and of share groups learn their partitions by heartbeats: three of 5 s are a long
# wait at each start.
group.consumer.min.heartbeat.interval.ms=1000
group.consumer.heartbeat.interval.ms=1500
group.share.min.heartbeat.interval.ms=500
group.share.heartbeat.interval.ms=500
# After a kill the next start waits this long for the dead: the consumers, and the broker's own registration.
group.consumer.min.session.timeout.ms=6000
group.consumer.session.timeout.ms=8000
broker.session.timeout.ms=6000
# The empty group must still have its offsets when somebody returns after weeks.
offsets.retention.minutes=525600
# Sized for a sandbox: less memory, fewer threads, small index files.
num.network.threads=2
num.io.threads=4
background.threads=2
log.cleaner.dedupe.buffer.size=8388608
log.index.size.max.bytes=1048576
log.cleaner.backoff.ms=60000
"""

_CHECKPOINT = "bootstrap.checkpoint"

# At INFO, these log every partition at every start.
_SILENCED = {
    "log": "org.apache.kafka.storage.internals.log",
    "partition": "kafka.cluster.Partition",
    "state": "state.change.logger",
}


def broker_server(broker: Broker) -> Server:
    """The server that runs it."""
    port = broker.listeners[0].port

    def answers(setting: Setting) -> str | None:
        return broker_answers(setting.state.address(port), seconds=3, login=broker.login(setting))

    return Server(
        name=broker.name,
        title=broker.title,
        ports=tuple(listener.port for listener in (*broker.listeners, broker.controller)),
        launch=lambda setting, java: _launch(broker, setting, java),
        prepare=lambda setting, java, progress: _format(broker, setting, java, progress),
        answers=answers,
        endpoint=lambda state: state.address(port),
        seed=broker.seed,
        # It closes its log files first; after a kill, the next start has to check them.
        stop_seconds=30.0,
    )


def broker_properties(broker: Broker, setting: Setting) -> str:
    """The broker's properties file."""
    listeners = (*broker.listeners, broker.controller)
    addresses = ",".join(
        f"{listener.name}://{setting.state.address(listener.port)}" for listener in listeners
    )
    own = {
        "listeners": addresses,
        "advertised.listeners": addresses,
        "listener.security.protocol.map": ",".join(
            f"{listener.name}:{listener.protocol}" for listener in listeners
        ),
        "inter.broker.listener.name": broker.listeners[0].name,
        "controller.listener.names": broker.controller.name,
        "controller.quorum.voters": f"1@{setting.state.address(broker.controller.port)}",
        "log.dirs": str(_data(broker, setting)),
        **broker.properties(setting),
    }
    for listener in listeners:
        own |= listener.properties(setting)
    return _PROPERTIES + "".join(f"{name}={value}\n" for name, value in own.items())


def _data(broker: Broker, setting: Setting) -> Path:
    return setting.folder.data / broker.name


def _files(broker: Broker, setting: Setting) -> tuple[Path, Path]:
    """Its properties and its log settings."""
    return (
        setting.folder.config / f"{broker.name}.properties",
        setting.folder.config / f"{broker.name}-log4j2.properties",
    )


def _launch(broker: Broker, setting: Setting, java: JavaRuntime) -> Launch:
    properties, log4j = _files(broker, setting)
    silenced = "".join(
        f"logger.{key}.name = {name}\nlogger.{key}.level = warn\n" for key, name in _SILENCED.items()
    )
    return Launch(
        command=tuple(
            java.kafka_command(
                "kafka.Kafka", str(properties), log4j=log4j, heap_megabytes=broker.heap_megabytes
            )
        ),
        files={
            properties: broker_properties(broker, setting),
            log4j: LOG4J.format(target="SYSTEM_OUT", level="info") + silenced,
        },
        secret=True,  # the properties hold the passwords of all users
    )


def _format(broker: Broker, setting: Setting, java: JavaRuntime, progress: Progress) -> None:
    properties, log4j = _files(broker, setting)
    format_storage(
        _data(broker, setting),
        broker.cluster_id(setting.state),
        name=broker.name,
        properties=properties,
        log4j=log4j,
        java=java,
        progress=progress,
    )


def format_storage(
    data: Path,
    cluster_id: str,
    *,
    name: str,
    properties: Path,
    log4j: Path,
    java: JavaRuntime,
    progress: Progress,
) -> None:
    """Format the storage of the broker of that name, once.

    `StorageTool format` writes two files. The checkpoint, which says what features a new cluster of this version has, is
    the same for every broker: it is cached, since the tool takes 3 CPU seconds. Raises `SandboxError` when the tool fails.
    """
    if (data / "meta.properties").exists():
        return
    kept = java.bootstrap_checkpoint
    if kept is not None and kept.exists():
        data.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(kept, data / _CHECKPOINT)
        identity = {
            "version": 1,
            "cluster.id": cluster_id,
            "node.id": 1,
            "directory.id": random_id(),
        }
        # Written last: if it exists, the storage is formatted.
        write_atomically(
            data / "meta.properties", "".join(f"{key}={value}\n" for key, value in identity.items())
        )
        return
    progress.say(f"formatting the storage of {name}")
    arguments = ("format", "-t", cluster_id, "-c", str(properties))
    command = java.kafka_command("kafka.tools.StorageTool", *arguments, log4j=log4j)
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise SandboxError(
            f"could not format the storage of {name}: {(done.stderr or done.stdout).strip()[-300:]}"
        )
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_name(f".{kept.name}.{os.getpid()}.{name}")
        shutil.copyfile(data / _CHECKPOINT, fresh)
        fresh.replace(kept)
