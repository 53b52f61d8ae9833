"""The feed: the background process that appends records and runs the live consumers."""

import time

from mesh_assets.sandbox.folder import read_json
from mesh_assets.sandbox.interpreter import interpreter
from mesh_assets.sandbox.java import JavaRuntime
from mesh_assets.sandbox.progress import Progress
from mesh_assets.sandbox.server import Launch, Server, Setting

# It reports every second; under a heavily loaded machine a few of them can be late.
_STALE_SECONDS = 15.0


def _launch(setting: Setting, java: JavaRuntime) -> Launch:  # noqa: ARG001 - the signature of a record's function
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


def _prepare(setting: Setting, java: JavaRuntime, progress: Progress) -> None:  # noqa: ARG001 - the signature of a record's function
    """Forgets what an earlier feed said, and a quiet that its asker did not live to end."""
    setting.folder.feed_report.unlink(missing_ok=True)
    setting.folder.quiet_marker.unlink(missing_ok=True)


def _answers(setting: Setting) -> str | None:
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
    launch=_launch,
    prepare=_prepare,
    answers=_answers,
    settled=_answers,
    endpoint=lambda state: "",  # noqa: ARG005
    stop_seconds=15.0,
)
