"""Keeps the feed running: `python -m mesh_assets.sandbox.supervisor FOLDER` restarts it whenever it ends by itself."""

import logging
import subprocess
import sys
import threading
import time

from mesh_assets.sandbox.process import asked_to_stop, log_to_stdout

_log = logging.getLogger("supervisor")
_POLL_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
# A feed that ran this long before it ended is restarted at once.
_STEADY_SECONDS = 60.0


def supervise(command: list[str], stop: threading.Event) -> None:
    """Run the command until asked to stop, with growing pauses after attempts that fail quickly."""
    pause = 1.0
    while not stop.is_set():
        begun = time.monotonic()
        with subprocess.Popen(command) as child:
            while child.poll() is None and not stop.wait(_POLL_SECONDS):
                pass
            if stop.is_set():
                _end(child)
                return
        pause = 1.0 if time.monotonic() - begun > _STEADY_SECONDS else min(pause * 2, _LONGEST_PAUSE_SECONDS)
        _log.error(
            "the feed ended by itself with code %s; it starts again in %.0f s", child.returncode, pause
        )
        stop.wait(pause)


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(timeout=10)
    except subprocess.TimeoutExpired:
        child.kill()


def main() -> None:
    log_to_stdout()
    supervise([sys.executable, "-m", "mesh_assets.sandbox.feed", sys.argv[1]], asked_to_stop())


if __name__ == "__main__":
    main()
