"""The sandbox's estate file, rewritten whenever an endpoint moves."""

import json

from mesh_assets.sandbox.credentials import variable_names
from mesh_assets.sandbox.estate import clusters
from mesh_assets.sandbox.folder import Folder, write_atomically
from mesh_assets.sandbox.state import AWS_ACCOUNT, AWS_REGION, TRIGGER_NAME, State

_TEXT = """\
# Written by `mesh-assets sandbox start`; changes here are lost at the next one.
clusters:
  warehouse:
    environment: {{id: env-sandbox, name: sandbox}}
    kafka: {{bootstrap_servers: {kafka}}}
    schema_registry: {{url: {registry}}}
    connect:
      - {{kind: kafka_connect, url: {connect}}}
    metrics: {{kind: offsets}}
"""

# The stand-in plays Confluent Cloud; the keys are in `.env` next to this file.
_CLOUD = """\
  {cluster}:
    cluster_id: {cluster_id}
    environment: {{id: {environment_id}, name: {environment}}}
    kafka:
      bootstrap_servers: {kafka}
      security_protocol: SASL_PLAINTEXT
      sasl_mechanism: PLAIN
      username: {kafka_key}
      password: {kafka_secret}
    schema_registry: {{id: {registry_id}, url: {registry}, username: {registry_key}, password: {registry_secret}}}
    connect:
      - {{kind: confluent_cloud, url: {cloud}, username: {cloud_key}, password: {cloud_secret}}}
    control_plane: {{kind: confluent_cloud, url: {cloud}, username: {cloud_key}, password: {cloud_secret}}}
    metrics: {{kind: confluent_cloud, url: {cloud}, username: {cloud_key}, password: {cloud_secret}}}
"""

_TRIGGERS = """\
# Messages of the topic {name} start discoveries (docs/triggers.md).
# They are read with: export AWS_ACCESS_KEY_ID={account} AWS_SECRET_ACCESS_KEY=sandbox
triggers:
  queue_url: {queue}
  dead_letter_queue_url: {dead}
  region: {region}
  endpoint_url: {url}
"""


_MAPPINGS = """\
# Event source mappings are in the stand-in for Lambda (docs/esm.md), with the same credentials.
esm:
  accounts:
    - {{region: {region}, endpoint_url: {url}}}
"""


def estate_text(state: State, *, with_aws: bool = False, with_mappings: bool = False) -> str:
    """The file's text. It has `data-mesh-cluster` as soon as that cluster's servers have ports."""
    # A JSON string is a quoted YAML string.
    text = _TEXT.format(
        kafka=json.dumps(state.bootstrap_servers),
        registry=json.dumps(state.registry_url),
        connect=json.dumps(state.connect_url),
    )
    if state.cloud_url is not None:
        text += _cloud_text(state)
    if with_mappings:
        text += _MAPPINGS.format(region=AWS_REGION, url=json.dumps(state.lambda_url))
    if not with_aws:
        return text
    return text + _TRIGGERS.format(
        name=TRIGGER_NAME,
        account=AWS_ACCOUNT,
        queue=json.dumps(state.queue_url(TRIGGER_NAME)),
        dead=json.dumps(state.queue_url(f"{TRIGGER_NAME}-dlq")),
        region=AWS_REGION,
        url=json.dumps(state.aws_url),
    )


def _cloud_text(state: State) -> str:
    def quoted(key: str) -> tuple[str, str]:
        """The references to a key's id and secret."""
        return json.dumps(f"${{{variable_names(key)[0]}}}"), json.dumps(f"${{{variable_names(key)[1]}}}")

    kafka_key, kafka_secret = quoted("kafka")
    registry_key, registry_secret = quoted("schema_registry")
    cloud_key, cloud_secret = quoted("cloud")
    return _CLOUD.format(
        cluster=clusters.CLUSTER,
        cluster_id=clusters.CLUSTER_ID,
        environment_id=clusters.ENVIRONMENT_ID,
        environment=clusters.ENVIRONMENT,
        registry_id=clusters.REGISTRY_ID,
        kafka=json.dumps(state.cloud_bootstrap_servers),
        registry=json.dumps(state.cloud_registry_url),
        cloud=json.dumps(state.cloud_url),
        kafka_key=kafka_key,
        kafka_secret=kafka_secret,
        registry_key=registry_key,
        registry_secret=registry_secret,
        cloud_key=cloud_key,
        cloud_secret=cloud_secret,
    )


def write_estate_file(
    folder: Folder, state: State, *, with_aws: bool = False, with_mappings: bool = False
) -> None:
    text = estate_text(state, with_aws=with_aws, with_mappings=with_mappings)
    if not folder.estate_file.exists() or folder.estate_file.read_text() != text:
        write_atomically(folder.estate_file, text)
