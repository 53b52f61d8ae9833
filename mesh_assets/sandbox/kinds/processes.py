"""The servers that are Python processes of our own: the feed, and the stand-ins for Confluent Cloud and Lambda."""

import time

from mesh_assets.sandbox.datagen import write_first_records
from mesh_assets.sandbox.folder import read_json
from mesh_assets.sandbox.java import JavaRuntime
from mesh_assets.sandbox.local_http import http_answers
from mesh_assets.sandbox.process import interpreter
from mesh_assets.sandbox.progress import Progress
from mesh_assets.sandbox.server import Launch, Server, Setting

# The stand-in for Confluent Cloud's HTTP interfaces: managed connectors, control plane, metrics, schema registry.


def _launch_cloud(setting: Setting, java: JavaRuntime) -> Launch:  # noqa: ARG001 - the signature of a record's function
    state = setting.state
    return Launch(
        command=(interpreter(), "-m", "mesh_assets.sandbox.cloud.serve", str(setting.folder.root)),
        also=" ".join((str(state.cloud_url), state.address("cloud-broker"), state.registry_url)),
    )


CLOUD = Server(
    name="cloud",
    title="a stand-in for Confluent Cloud",
    ports=("cloud",),
    needs=("cloud-broker", "registry"),
    answer_suffices=("cloud-broker", "registry"),
    launch=_launch_cloud,
    answers=lambda setting: http_answers(f"{setting.state.cloud_url}/_stand-in", seconds=5),
    endpoint=lambda state: state.cloud_url or "",
    start_seconds=180.0,
)


# Lambda's mappings for Kafka: a stand-in of ours in front of ministack. Optional: started when named. Its mappings and MSK
# clusters are kept in memory: every start begins without any.

_USED = ("lambda", "aws", "broker", "broker-tls", "broker-mtls", "broker-sasl")


def _launch_lambda(setting: Setting, java: JavaRuntime) -> Launch:  # noqa: ARG001 - the signature of a record's function
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
    launch=_launch_lambda,
    answers=lambda setting: http_answers(f"{setting.state.lambda_url}/_standin", seconds=5),
    endpoint=lambda state: state.lambda_url or "",
    start_seconds=180.0,
    stop_seconds=15.0,
)


# The feed: the background process that appends records and runs the live consumers.

# It reports every second; on a heavily loaded machine a few reports can be late.
_STALE_SECONDS = 15.0


def _launch_feed(setting: Setting, java: JavaRuntime) -> Launch:  # noqa: ARG001 - the signature of a record's function
    return Launch(
        command=(interpreter(), "-m", "mesh_assets.sandbox.supervisor", str(setting.folder.root)),
        also=" ".join(
            (
                setting.state.bootstrap_servers,
                setting.state.address("cloud-broker"),
                setting.state.registry_url,
            )
        ),
    )


def _prepare_feed(setting: Setting, java: JavaRuntime, progress: Progress) -> None:  # noqa: ARG001 - the signature of a record's function
    """Write the first records; remove an earlier feed's report, and the marker of a `quiet` whose caller died."""
    write_first_records(setting.folder.feeds)
    setting.folder.feed_report.unlink(missing_ok=True)
    setting.folder.quiet_marker.unlink(missing_ok=True)


def _feed_answers(setting: Setting) -> str | None:
    report = read_json(setting.folder.feed_report)
    if report is None:
        return "it has not reported yet"
    age = time.time() - float(report["at"])
    if age > _STALE_SECONDS:
        return f"its last report is {age:.0f} s old"
    if not report["groups_ready"]:
        return "its consumers have no partitions yet"
    return None if report.get("datagen_ready") else "the topics of data-mesh-cluster are not filled yet"


FEED = Server(
    name="feed",
    title="records and live consumers",
    ports=(),
    needs=("broker", "cloud-broker", "registry"),
    # It writes no record until its schema is registered.
    answer_suffices=("registry",),
    launch=_launch_feed,
    prepare=_prepare_feed,
    answers=_feed_answers,
    settled=_feed_answers,
    endpoint=lambda state: "",  # noqa: ARG005
    stop_seconds=15.0,
)
