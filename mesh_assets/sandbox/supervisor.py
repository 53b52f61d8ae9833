"""Keeps the feed running: `python -m mesh_assets.sandbox.supervisor FOLDER` restarts it whenever it ends by itself."""

import logging
import signal
import subprocess
import sys
import threading
import time
from types import FrameType

_log = logging.getLogger("supervisor")
_POLL_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
# A feed that ran this long before it ended is restarted at once.
_STEADY_SECONDS = 60.0


def supervise(command: list[str], asked_to_stop: threading.Event) -> None:
    """Run the command until asked to stop, with growing pauses after attempts that fail quickly."""
    pause = 1.0
    while not asked_to_stop.is_set():
        begun = time.monotonic()
        with subprocess.Popen(command) as child:
            while child.poll() is None and not asked_to_stop.wait(_POLL_SECONDS):
                pass
            if asked_to_stop.is_set():
                _end(child)
                return
        pause = 1.0 if time.monotonic() - begun > _STEADY_SECONDS else min(pause * 2, _LONGEST_PAUSE_SECONDS)
        _log.error(
            "the feed ended by itself with code %s; it starts again in %.0f s", child.returncode, pause
        )
        asked_to_stop.wait(pause)


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(timeout=10)
    except subprocess.TimeoutExpired:
        child.kill()


def main() -> None:
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)-5s %(name)s: %(message)s", stream=sys.stdout
    )
    asked_to_stop = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a signal handler
        asked_to_stop.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    supervise([sys.executable, "-m", "mesh_assets.sandbox.feed", sys.argv[1]], asked_to_stop)


if __name__ == "__main__":
    main()
