"""A door to a server: an address on loopback that leads there while open and refuses connections while closed.

So a test can cut off only itself; the server keeps running for everyone else.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

_BLOCK = 65536


class Door:
    """Open from the start. Closing it also cuts the connections through it; reopened, it has the same address."""

    def __init__(self, url: str) -> None:
        """`url`: where it leads; its path is kept."""
        self._parts = urlsplit(url)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._listener: socket.socket | None = None
        self._passing: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.open()

    @property
    def url(self) -> str:
        return urlunsplit(self._parts._replace(netloc=self.address))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self._port))
        threading.Thread(target=self._let_in, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        with self._lock:
            listener, self._listener = self._listener, None
            passing, self._passing = self._passing, set()
        for one in (listener, *passing):
            if one is not None:
                with suppress(OSError):  # wakes the thread that waits in it
                    one.shutdown(socket.SHUT_RDWR)
                one.close()

    @contextmanager
    def closed(self) -> Iterator[None]:
        self.close()
        try:
            yield
        finally:
            self.open()

    def _let_in(self, listener: socket.socket) -> None:
        with suppress(OSError):  # closed
            while True:
                inner, _ = listener.accept()
                outer = socket.create_connection((self._parts.hostname or "", self._parts.port or 80))
                with self._lock:
                    still_open = self._listener is listener
                    if still_open:
                        self._passing |= {inner, outer}
                if not still_open:
                    inner.close()
                    outer.close()
                    return
                for here, there in ((inner, outer), (outer, inner)):
                    threading.Thread(target=self._pass_on, args=(here, there), daemon=True).start()

    def _pass_on(self, here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while block := here.recv(_BLOCK):
                there.sendall(block)
        for one in (here, there):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
