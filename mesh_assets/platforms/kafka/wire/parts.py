"""One of several parts read at the same time: its content, or why it could not be read, without affecting the
others."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from confluent_kafka import KafkaError

from mesh_assets.inventory.parts import Unread
from mesh_assets.platforms.kafka.errors import AUTHENTICATION, AUTHORIZATION, item_error
from mesh_assets.platforms.kafka.wire.forms import BrokerError, MalformedError, UnsupportedError

Part = TypeVar("Part")

# Answers of a broker that does not have the thing, or not for this user: asking again would not help.
_NOT_HAD = AUTHORIZATION | {
    KafkaError.UNSUPPORTED_VERSION,
    KafkaError.SECURITY_DISABLED,
    KafkaError.INVALID_REQUEST,
    KafkaError.POLICY_VIOLATION,
}


async def part(read: Coroutine[Any, Any, Part], *, right: str) -> Part | Unread:
    """`right`: what a refused user needs. Raises BrokerError only if the login failed, which ends
    everything."""
    try:
        return await read
    except UnsupportedError as error:
        return Unread(reason=str(error), expected=True)
    except MalformedError as error:
        return Unread(reason=f"the answer is not one of Kafka's protocol: {error}", expected=False)
    except BrokerError as error:
        if error.code in AUTHENTICATION:
            raise
        reason = item_error(KafkaError(error.code, error.said or None), right)
        return Unread(reason=reason, expected=error.code in _NOT_HAD)


def known(part: Part | Unread) -> Part | None:
    return None if isinstance(part, Unread) else part


def unread(**parts: object) -> dict[str, Unread]:
    """Those that could not be read, by name."""
    return {name: part for name, part in parts.items() if isinstance(part, Unread)}
