"""How the connectors are, as they were last told: a small file, which the feed reads to know for whom to
write."""

import json
import threading
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from mesh_assets.sandbox.folder import Folder, read_json, write_atomically

ConnectorState = Literal["NONE", "PROVISIONING", "RUNNING", "DEGRADED", "FAILED", "PAUSED", "DELETED"]
STATES = get_args(ConnectorState)


@dataclass(frozen=True, slots=True)
class Told:
    """`trace`: what a failed connector says. `removed`: there is no such connector any more."""

    state: str = "RUNNING"
    trace: str = ""
    removed: bool = False


class ConnectorStates:
    """Safe to use from many threads; the only writer of its file."""

    def __init__(self, folder: Folder) -> None:
        self._path = folder.connector_states
        self._lock = threading.Lock()
        known = (read_json(self._path) or {}).get("connectors", {})
        self._told = {name: Told(**one) for name, one in known.items()}

    def get(self, name: str) -> Told:
        with self._lock:
            return self._told.get(name, Told())

    def tell(self, name: str, told: Told) -> None:
        with self._lock:
            if told == Told():
                self._told.pop(name, None)
            else:
                self._told[name] = told
            content = {one: asdict(what) for one, what in self._told.items()}
            write_atomically(self._path, json.dumps({"connectors": content}, indent=2) + "\n")
