"""Serves the stand-in of one sandbox until it is asked to stop: `python -m mesh_assets.sandbox.kafka_mappings
FOLDER`."""

import logging
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.credentials import warehouse_access
from mesh_assets.sandbox.folder import Folder
from mesh_assets.sandbox.kafka_mappings.accounts import Accounts
from mesh_assets.sandbox.kafka_mappings.app import StandIn
from mesh_assets.sandbox.kafka_mappings.faults import FaultBoard
from mesh_assets.sandbox.kafka_mappings.mapping import KafkaMapping
from mesh_assets.sandbox.kafka_mappings.msk import MskService
from mesh_assets.sandbox.kafka_mappings.poller import Pollers
from mesh_assets.sandbox.kafka_mappings.roles import RoleService
from mesh_assets.sandbox.kafka_mappings.service import MappingService
from mesh_assets.sandbox.state import LOOPBACK, load_state

_TICK_SECONDS = 0.05


def main() -> None:
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)-5s %(name)s: %(message)s", stream=sys.stdout
    )
    folder = Folder(Path(sys.argv[1]))
    state = load_state(folder)
    if state is None:
        raise SandboxError(f"there is no sandbox in {folder.root}")
    accounts = Accounts(str(state.aws_url))
    faults = FaultBoard()
    names = {"plaintext": "broker", "tls": "broker-tls", "mtls": "broker-mtls", "sasl": "broker-sasl"}
    msk = MskService({name: state.address(port) for name, port in names.items()})
    pollers = Pollers(accounts, faults, msk, authority=warehouse_access(folder).authority)

    def watch(mapping: KafkaMapping, lives: bool) -> None:
        pollers.watch(mapping, lives=lives)

    mappings = MappingService(accounts, faults, cluster_exists=msk.exists, watch=watch)
    server = StandIn(
        (LOOPBACK, state.ports["lambda"].number),
        behind=state.address("aws"),
        mappings=mappings,
        msk=msk,
        roles=RoleService(accounts),
        faults=faults,
    )
    asked_to_stop = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a signal handler
        asked_to_stop.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    threading.Thread(target=server.serve_forever, name="serve", daemon=True).start()
    while not asked_to_stop.wait(_TICK_SECONDS):
        mappings.settle()
    server.shutdown()
    pollers.stop()


if __name__ == "__main__":
    main()
