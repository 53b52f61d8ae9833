"""The pollers of all mappings: started, stopped and started anew as their mappings live."""

import threading
import time
from pathlib import Path
from typing import Any

from mesh_assets.sandbox.kafka_mappings.accounts import Accounts
from mesh_assets.sandbox.kafka_mappings.faults import FaultBoard
from mesh_assets.sandbox.kafka_mappings.mapping import KafkaMapping
from mesh_assets.sandbox.kafka_mappings.msk import MskService
from mesh_assets.sandbox.kafka_mappings.poller import Poller
from mesh_assets.sandbox.kafka_mappings.reaching import client_settings

# A change may concern how the brokers are reached: the poller begins anew after it.
_POLLING = ("Enabled",)
# All together; who has not left by then is missed by its group after the session timeout.
_LEAVE_SECONDS = 3.0


class Pollers:
    def __init__(self, accounts: Accounts, faults: FaultBoard, msk: MskService, *, authority: Path) -> None:
        self._accounts = accounts
        self._faults = faults
        self._msk = msk
        self._authority = authority
        self._lock = threading.Lock()
        self._running: dict[str, Poller] = {}

    def watch(self, mapping: KafkaMapping, *, lives: bool) -> None:
        """Called at every tick: a mapping has a poller just while it is polled."""
        wanted = lives and mapping.state in _POLLING
        with self._lock:
            poller = self._running.get(mapping.uuid)
            if wanted and poller is None:
                self._running[mapping.uuid] = Poller(
                    mapping, self._accounts, self._faults, lambda: self._settings(mapping)
                )
            elif not wanted and poller is not None:
                poller.stop()
                del self._running[mapping.uuid]

    def stop(self) -> None:
        with self._lock:
            for poller in self._running.values():
                poller.stop()
            deadline = time.monotonic() + _LEAVE_SECONDS
            for poller in self._running.values():
                poller.join(max(0.0, deadline - time.monotonic()))

    def _settings(self, mapping: KafkaMapping) -> dict[str, Any]:
        brokers = self._msk.brokers(str(mapping.settings.get("EventSourceArn", "")))
        named = {name[:1].upper() + name[1:]: address for name, address in brokers.items()}
        return client_settings(mapping, self._accounts, named, self._authority)
