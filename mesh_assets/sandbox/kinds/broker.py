"""The broker of the cluster `warehouse`: Apache Kafka as it is run at home, open to whoever reaches it."""

from mesh_assets.sandbox.kafka_broker import Broker, Listener, broker_server
from mesh_assets.sandbox.seeding.topics import seed_topics

WAREHOUSE = Broker(
    name="broker",
    title="Apache Kafka",
    listeners=(Listener(name="PLAINTEXT", port="broker"),),
    controller=Listener(name="CONTROLLER", port="controller"),
    cluster_id=lambda state: state.kafka_cluster_id,
    seed=lambda setting, progress: seed_topics(setting.state.bootstrap_servers, progress),
)

BROKER = broker_server(WAREHOUSE)
