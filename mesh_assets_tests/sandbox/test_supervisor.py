"""The supervisor starts the feed again, and ends it when asked."""

import sys
import threading
import time
from pathlib import Path

from mesh_assets.sandbox.supervisor import supervise


def count_runs(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_one_that_ends_by_itself_is_started_again(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    code = f"import time; open({str(runs)!r}, 'a').write('x\\n'); time.sleep(60 if len(open({str(runs)!r}).readlines()) > 1 else 0)"
    asked = threading.Event()
    thread = threading.Thread(target=supervise, args=([sys.executable, "-c", code], asked))
    thread.start()
    deadline = time.monotonic() + 20
    while count_runs(runs) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    asked.set()
    thread.join(timeout=15)
    assert count_runs(runs) == 2
    assert not thread.is_alive()
