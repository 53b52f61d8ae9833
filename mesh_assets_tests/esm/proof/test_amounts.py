"""How much a plan of test messages may write; refused before any broker is asked."""

import pytest

from mesh_assets.errors import EstateError
from mesh_assets.esm.proof import plan_test_messages
from mesh_assets.platforms.kafka import ClientProperties

NOWHERE = ClientProperties({"bootstrap.servers": "127.0.0.1:1"})


@pytest.mark.parametrize(
    ("messages", "bytes_each", "key", "in_all"),
    [
        (10_000, 1_000_000, None, "10,000,000,000"),
        (17, 1_000_000, None, "17,000,000"),
        (10_000, 1_000, "k" * 1_000, "20,000,000"),
        (10_000, 200, "ü" * 1_000, "22,000,000"),
    ],
)
def test_more_than_16_mib_in_all_are_refused(
    messages: int, bytes_each: int, key: str | None, in_all: str
) -> None:
    with pytest.raises(
        EstateError, match=f"are {in_all} bytes in all with their keys; expected at most 16,777,216"
    ):
        plan_test_messages(
            NOWHERE, topic="orders", messages=messages, bytes_each=bytes_each, key=key, group=None
        )
