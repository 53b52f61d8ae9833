"""The Kafka Connect worker, distributed mode, with the file connectors as its only plugin."""

from pathlib import Path

from mesh_assets.sandbox.http_probe import http_answers
from mesh_assets.sandbox.java import LOG4J, JavaRuntime
from mesh_assets.sandbox.progress import Progress
from mesh_assets.sandbox.seeding.connectors import connectors_settled, seed_connectors
from mesh_assets.sandbox.server import Launch, Server, Setting

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
            # At INFO each of 40 tasks logs all of its settings.
            + "logger.runtime.name = org.apache.kafka.connect.runtime\nlogger.runtime.level = warn\n"
            # While the broker is away each of 40 clients would log several refused connections a second.
            + "logger.network.name = org.apache.kafka.clients.NetworkClient\nlogger.network.level = error\n"
            + "logger.source.name = org.apache.kafka.connect.file\nlogger.source.level = warn\n",
        },
    )


def _prepare(setting: Setting, java: JavaRuntime, progress: Progress) -> None:  # noqa: ARG001 - the signature of a record's function
    """The plugin folder: alone with its plugin, which must not be on the class path as well."""
    plugin = _plugins(setting) / "file" / java.plugin_jar.name
    plugin.parent.mkdir(parents=True, exist_ok=True)
    for old in plugin.parent.iterdir():
        if old.name != plugin.name or old.resolve() != java.plugin_jar.resolve():
            old.unlink()
    if not plugin.exists():
        plugin.symlink_to(java.plugin_jar)


CONNECT = Server(
    name="connect",
    title="Kafka Connect",
    ports=("connect",),
    needs=("broker",),
    launch=_launch,
    prepare=_prepare,
    # The root path answers before the worker has joined its group; the list does not.
    answers=lambda setting: http_answers(f"{setting.state.connect_url}/connectors", seconds=5),
    settled=lambda setting: connectors_settled(setting.state.connect_url),
    endpoint=lambda state: state.connect_url,
    seed=seed_connectors,
    stop_seconds=15.0,
)
