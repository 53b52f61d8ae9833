"""Modules that are imported only where they are needed, because they are heavy: one thread at a time.

Python locks each module by itself. Where one thread imports a package, whose `__init__` imports its parts, and
another thread imports one of these parts, whose first step is the package, it would rather hand out a half-made
module than wait for ever: the first two calls to a fresh MCP server both failed with an ImportError or a
KeyError. So every import inside a function is under this lock.
"""

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# httpx imports its command line with itself where rich is installed: 0.14 CPU s in each process, for nobody. Without it, httpx
# is as it is where rich is not installed.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # how the import system is told that there is none

importing = threading.RLock()
"""`with importing:` around the imports. Reentrant, since a module may import more when it is used first."""


@contextmanager
def without_collector() -> Iterator[None]:
    """Meanwhile nobody looks for garbage in cycles: not while modules are imported, which takes a quarter longer
    otherwise (Dagster and its storage: 1.75 against 1.40 CPU s), nor while a great many records are made, which stay alive
    and have no cycles (looking takes half of the time of collecting 2,000 topics). Where two threads do this at once, part
    of the gain is lost and nothing else."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
