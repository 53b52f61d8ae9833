"""The Kafka broker: one KRaft node, broker and controller at once."""

import subprocess
from pathlib import Path

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.java import LOG4J, JavaRuntime
from mesh_assets.sandbox.kafka_admin import broker_answers
from mesh_assets.sandbox.progress import Progress
from mesh_assets.sandbox.seeding.topics import seed_topics
from mesh_assets.sandbox.server import Launch, Server, Setting

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://{broker},CONTROLLER://{controller}
advertised.listeners=PLAINTEXT://{broker},CONTROLLER://{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.voters=1@{controller}
log.dirs={log_dir}
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
# A typing error in a topic's name must not make a topic.
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
# Members of the newer protocol learn their partitions by heartbeats: three of 5 s are a long wait at each start.
group.consumer.min.heartbeat.interval.ms=1000
group.consumer.heartbeat.interval.ms=1500
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


def _data(setting: Setting) -> Path:
    return setting.folder.data / "broker"


def _launch(setting: Setting, java: JavaRuntime) -> Launch:
    properties = setting.folder.config / "broker.properties"
    log4j = setting.folder.config / "broker-log4j2.properties"
    return Launch(
        command=tuple(java.kafka_command("kafka.Kafka", str(properties), log4j=log4j)),
        files={
            properties: _PROPERTIES.format(
                broker=setting.state.address("broker"), controller=setting.state.address("controller"), log_dir=_data(setting)
            ),
            log4j: LOG4J.format(target="SYSTEM_OUT", level="info")
            # At INFO these log every partition at every start.
            + "logger.log.name = org.apache.kafka.storage.internals.log\nlogger.log.level = warn\n"
            + "logger.partition.name = kafka.cluster.Partition\nlogger.partition.level = warn\n"
            + "logger.state.name = state.change.logger\nlogger.state.level = warn\n",
        },
    )


def _format(setting: Setting, java: JavaRuntime, progress: Progress) -> None:
    """Gives the data folder its cluster id, once."""
    if (_data(setting) / "meta.properties").exists():
        return
    progress.say("formatting the broker's storage")
    properties = setting.folder.config / "broker.properties"
    log4j = setting.folder.config / "broker-log4j2.properties"
    command = java.kafka_command(
        "kafka.tools.StorageTool", "format", "-t", setting.state.kafka_cluster_id, "-c", str(properties), log4j=log4j
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise SandboxError(f"the broker's storage could not be formatted: {(done.stderr or done.stdout).strip()[-300:]}")


BROKER = Server(
    name="broker",
    title="Apache Kafka",
    ports=("broker", "controller"),
    launch=_launch,
    prepare=_format,
    answers=lambda setting: broker_answers(setting.state.bootstrap_servers, seconds=3),
    endpoint=lambda state: state.bootstrap_servers,
    seed=lambda setting, progress: seed_topics(setting.state.bootstrap_servers, progress),
    # It closes its log files first; after a kill it checks them at the next start.
    stop_seconds=30.0,
)
