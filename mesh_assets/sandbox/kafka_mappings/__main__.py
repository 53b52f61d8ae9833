"""The process: `python -m mesh_assets.sandbox.kafka_mappings FOLDER` serves the stand-in until told to stop."""

import logging
import sys
import threading
from pathlib import Path

from mesh_assets.sandbox.credentials import warehouse_access
from mesh_assets.sandbox.folder import Folder
from mesh_assets.sandbox.kafka_mappings.app import StandIn
from mesh_assets.sandbox.kafka_mappings.mapping import KafkaMapping
from mesh_assets.sandbox.kafka_mappings.msk import MskService
from mesh_assets.sandbox.kafka_mappings.poller import Pollers
from mesh_assets.sandbox.kafka_mappings.refusals import FaultBoard
from mesh_assets.sandbox.kafka_mappings.roles import Accounts, RoleService
from mesh_assets.sandbox.kafka_mappings.service import MappingService
from mesh_assets.sandbox.process import asked_to_stop, log_to_stdout
from mesh_assets.sandbox.state import LOOPBACK, known_state

_TICK_SECONDS = 0.05


def main() -> None:
    log_to_stdout(logging.WARNING)
    folder = Folder(Path(sys.argv[1]))
    state = known_state(folder)
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
    stop = asked_to_stop()
    threading.Thread(target=server.serve_forever, name="serve", daemon=True).start()
    while not stop.wait(_TICK_SECONDS):
        mappings.settle()
    server.shutdown()
    pollers.stop()


if __name__ == "__main__":
    main()
