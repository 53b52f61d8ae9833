"""A door leads to the server, refuses while it is closed, and leads there again."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from mesh_assets_tests.doors import Door


class _Greeting(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.path.encode() * 1000
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Greeting) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/apis"
        server.shutdown()
        thread.join()


def test_a_closed_door_refuses_and_cuts_connections_and_an_open_one_leads_to_the_server(url: str) -> None:
    door = Door(url)
    try:
        with httpx.Client(trust_env=False, timeout=5) as client:
            assert client.get(f"{door.url}/subjects").text == "/apis/subjects" * 1000
            with door.closed(), pytest.raises(httpx.TransportError):
                client.get(f"{door.url}/subjects")
            with door.closed(), pytest.raises(httpx.ConnectError):
                httpx.get(f"{door.url}/subjects", trust_env=False, timeout=5)
            assert client.get(f"{door.url}/again").text == "/apis/again" * 1000
    finally:
        door.close()
