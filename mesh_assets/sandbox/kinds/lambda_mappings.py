"""Lambda's mappings for Kafka: a stand-in of ours in front of ministack. Optional: started when it is named.

Its mappings and MSK clusters are in memory: every start begins without any.
"""

from mesh_assets.sandbox.http_probe import http_answers
from mesh_assets.sandbox.interpreter import interpreter
from mesh_assets.sandbox.java import JavaRuntime
from mesh_assets.sandbox.server import Launch, Server, Setting

_USED = ("lambda", "aws", "broker", "broker-tls", "broker-mtls", "broker-sasl")


def _launch(setting: Setting, java: JavaRuntime) -> Launch:  # noqa: ARG001 - the signature of a record's function
    return Launch(
        command=(interpreter(), "-m", "mesh_assets.sandbox.kafka_mappings", str(setting.folder.root)),
        also=" ".join(setting.state.address(port) for port in _USED),
    )


LAMBDA = Server(
    name="lambda",
    title="a stand-in for Lambda's Kafka mappings",
    ports=("lambda",),
    needs=("broker", "aws"),
    optional=True,
    launch=_launch,
    answers=lambda setting: http_answers(f"{setting.state.lambda_url}/_standin", seconds=5),
    endpoint=lambda state: state.lambda_url or "",
    start_seconds=60.0,
    stop_seconds=15.0,
)
