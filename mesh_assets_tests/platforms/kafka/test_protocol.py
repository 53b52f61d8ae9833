"""What a listener may answer to a login that is spoken here, and does not at a real broker."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.platforms.kafka.share_groups import read_share_group

HANDSHAKE = struct.pack(">hi", 0, 0)


@contextmanager
def a_listener(*answers: bytes) -> Iterator[str]:
    """Gives these answers on one connection, one a request, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connected, _ = server.accept()
            with connected, connected.makefile("rb") as requests:
                for answer in answers:
                    [length] = struct.unpack(">i", requests.read(4))
                    correlation = requests.read(length)[4:8]
                    connected.sendall(struct.pack(">i", 4 + len(answer)) + correlation + answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join(10)
        assert not thread.is_alive()


def authenticated(challenge: str) -> bytes:
    return struct.pack(">hhi", 0, -1, len(challenge)) + challenge.encode() + struct.pack(">q", 0)


@pytest.mark.parametrize(
    "challenge",
    ["", "hello", "x=1", "r=a,s=YQ==", "r=a,s=YQ==,i=few", "r=a,s=YQ==,i=1", "r=a,s=YQ==,i=9000000"],
)
def test_a_challenge_that_is_none_of_scrams_ends_in_a_sentence(challenge: str) -> None:
    with (
        a_listener(HANDSHAKE, authenticated(challenge)) as servers,
        pytest.raises(
            UnexpectedAnswerError, match=r"gave no answer of Kafka's protocol while reading a share group"
        ),
    ):
        read_share_group(
            {
                "bootstrap.servers": servers,
                "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanism": "SCRAM-SHA-256",
                "sasl.username": "reader",
                "sasl.password": "hush",
            },
            "group",
            "orders",
            timeout_seconds=5,
        )
