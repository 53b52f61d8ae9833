"""What the tests of the wire share."""

import socket
from collections.abc import Iterator

import pytest


@pytest.fixture
def refusing() -> Iterator[str]:
    """An address where nobody listens, kept from others meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"
