"""The broker of the cluster `warehouse`: Apache Kafka as it is run at home, open to whoever reaches it.

The estate uses the open listener. Beside it the broker has one for each way of proving who one is, so that
clients can be tried.
"""

from collections.abc import Mapping

from mesh_assets.sandbox.kafka_broker import Broker, Listener, broker_server
from mesh_assets.sandbox.progress import Progress
from mesh_assets.sandbox.seeding.scram import seed_scram
from mesh_assets.sandbox.seeding.topics import seed_topics
from mesh_assets.sandbox.server import Setting
from mesh_assets.sandbox.warehouse_access import warehouse_access

_SCRAM = ("SCRAM-SHA-256", "SCRAM-SHA-512")


def _tls(name: str, setting: Setting, *, client_auth: str = "none") -> dict[str, str]:
    access = warehouse_access(setting.folder)
    own = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(access.broker),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(access.authority),
        "ssl.client.auth": client_auth,
    }
    return {f"listener.name.{name}.{key}": value for key, value in own.items()}


def _sasl(setting: Setting) -> Mapping[str, str]:
    access = warehouse_access(setting.folder)
    modules = "org.apache.kafka.common.security"
    own = {
        "sasl.enabled.mechanisms": ",".join(("PLAIN", *_SCRAM)),
        "plain.sasl.jaas.config": f'{modules}.plain.PlainLoginModule required user_{access.username}="{access.password}";',
        **{
            f"{mechanism.lower()}.sasl.jaas.config": f"{modules}.scram.ScramLoginModule required;"
            for mechanism in _SCRAM
        },
    }
    return _tls("sasl_tls", setting) | {f"listener.name.sasl_tls.{key}": value for key, value in own.items()}


def _seed(setting: Setting, progress: Progress) -> None:
    seed_topics(setting.state.bootstrap_servers, progress)
    access = warehouse_access(setting.folder)
    seed_scram(
        setting.state.bootstrap_servers, username=access.username, password=access.password, mechanisms=_SCRAM
    )


WAREHOUSE = Broker(
    name="broker",
    title="Apache Kafka",
    listeners=(
        Listener(name="PLAINTEXT", port="broker"),
        Listener(
            name="TLS", port="broker-tls", protocol="SSL", properties=lambda setting: _tls("tls", setting)
        ),
        Listener(
            name="MTLS",
            port="broker-mtls",
            protocol="SSL",
            properties=lambda setting: _tls("mtls", setting, client_auth="required"),
        ),
        Listener(name="SASL_TLS", port="broker-sasl", protocol="SASL_SSL", properties=_sasl),
    ),
    controller=Listener(name="CONTROLLER", port="controller"),
    cluster_id=lambda state: state.kafka_cluster_id,
    seed=_seed,
)

BROKER = broker_server(WAREHOUSE)
