"""The interpreter that runs the sandbox's own Python processes."""

import sys
from pathlib import Path


def interpreter() -> str:
    """The same interpreter has several names; one of them, so that nothing is restarted because `start` was
    called by another."""
    python3 = Path(sys.executable).with_name("python3")
    return str(python3) if python3.exists() else sys.executable
