"""The process: `python -m mesh_assets.sandbox.cloud.serve FOLDER` serves until told to stop."""

import logging
import sys
import threading
import time
from pathlib import Path

import httpx
import uvicorn
from confluent_kafka import KafkaException

from mesh_assets.sandbox.cloud.app import cloud_app
from mesh_assets.sandbox.cloud.connect import Connect, ConnectorStates
from mesh_assets.sandbox.cloud.control_plane import ControlPlane
from mesh_assets.sandbox.cloud.links import Links
from mesh_assets.sandbox.cloud.metric_names import KNOWN_IDS
from mesh_assets.sandbox.cloud.metrics import MetricsApi
from mesh_assets.sandbox.cloud.readings import ClusterReader, Readings
from mesh_assets.sandbox.cloud.refusals import Orders
from mesh_assets.sandbox.cloud.registry import Registry, RegistryContent, latest
from mesh_assets.sandbox.credentials import cloud_login, sandbox_keys
from mesh_assets.sandbox.folder import Folder
from mesh_assets.sandbox.process import log_to_stdout
from mesh_assets.sandbox.state import LOOPBACK, known_state

_log = logging.getLogger("cloud")
_EVERY_SECONDS = 10.0


def main() -> None:
    log_to_stdout()
    # It would log every request to the registry.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    serve(Folder(Path(sys.argv[1])))


def serve(folder: Folder) -> None:
    """Serve until SIGTERM or SIGINT. Raises `SandboxError` when the folder holds no sandbox."""
    state = known_state(folder)
    url, broker = state.cloud_url, state.address("cloud-broker")
    assert url is not None
    orders, states, readings = Orders(), ConnectorStates(folder), Readings()
    content = RegistryContent(f"http://{state.address('registry')}")
    connect = Connect(states, orders, endpoint=f"SASL_PLAINTEXT://{broker}")
    app = cloud_app(
        keys=sandbox_keys(folder),
        orders=orders,
        states=states,
        connect=connect,
        control_plane=ControlPlane(
            orders,
            url=url,
            bootstrap=f"SASL_PLAINTEXT://{broker}",
            registry_url=state.cloud_registry_url or "",
        ),
        registry=Registry(content, orders),
        links=Links(orders, url=url),
        metrics=MetricsApi(
            readings,
            known_ids=lambda: {
                **{kind: {number} for kind, number in KNOWN_IDS.items()},
                "connector": connect.all_ids(),
            },
        ),
    )
    ended = threading.Event()
    reader = threading.Thread(
        target=_read,
        args=(ClusterReader(folder, broker, cloud_login(folder)), content, readings, ended),
        name="readings",
    )
    reader.start()
    try:
        uvicorn.run(
            app,
            host=LOOPBACK,
            port=state.ports["cloud"].number,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=3,
        )
    finally:
        ended.set()
        reader.join(timeout=15)


def _read(
    reader: ClusterReader, content: RegistryContent, readings: Readings, ended: threading.Event
) -> None:
    """Add a reading every few seconds. After one that fails, the next one covers its time."""
    while True:
        try:
            readings.add(reader.read(at=time.time(), schemas=len(latest(content.versions()))))
        except (KafkaException, TimeoutError, httpx.HTTPError) as error:
            _log.warning("the cluster could not be read: %s", error)
        if ended.wait(_EVERY_SECONDS):
            reader.close()
            return


if __name__ == "__main__":
    main()
