"""The estate file of the sandbox: written anew whenever an endpoint moves."""

import json

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


_TRIGGERS = """\
# Messages of the topic {name} start discoveries (docs/triggers.md).
# They are read with: export AWS_ACCESS_KEY_ID={account} AWS_SECRET_ACCESS_KEY=sandbox
triggers:
  queue_url: {queue}
  dead_letter_queue_url: {dead}
  region: {region}
  endpoint_url: {url}
"""


def estate_text(state: State, *, with_aws: bool = False) -> str:
    # A JSON string is a YAML string, quoted.
    text = _TEXT.format(
        kafka=json.dumps(state.bootstrap_servers), registry=json.dumps(state.registry_url), connect=json.dumps(state.connect_url)
    )
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


def write_estate_file(folder: Folder, state: State, *, with_aws: bool = False) -> None:
    text = estate_text(state, with_aws=with_aws)
    if not folder.estate_file.exists() or folder.estate_file.read_text() != text:
        write_atomically(folder.estate_file, text)
