"""The forms of Kafka's protocol (https://kafka.apache.org/protocol): how to write requests and read answers,
whatever they are about.

Versions of a message are either flexible (lengths as varints of length + 1, tagged fields at the end of every
struct, KIP-482) or not; a `Reader` and a `Writer` know which, so that a message is written down once for both.
"""

import asyncio
import struct
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from mesh_assets.platforms.kafka.values import BrokerNode

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_LONGEST_VARINT = 5
_LONGEST_WORDS = 1_000
_OPERATIONS_NOT_TOLD = -(2**31)


class MalformedError(Exception):
    """An answer that ends too early, is longer than it says, or holds what Kafka's protocol does not allow."""


class UnsupportedError(Exception):
    """A broker that has no version of a request that we speak."""


@dataclass(frozen=True)
class Request(Generic[Answer]):
    """A request and how its answer is read.

    `oldest` and `newest`: the versions spoken here. `flexible_from`: the first flexible one. `write` and
    `read` get the version agreed on with the broker. `read` consumes the whole answer.
    """

    name: str
    api: int
    oldest: int
    newest: int
    flexible_from: int
    write: Callable[["Writer", int], None]
    read: Callable[["Reader", int], Answer]


class Reader:
    """An answer, read from its beginning to its end. Every method raises MalformedError where it violates
    Kafka's protocol, and none allocates more than the answer holds."""

    __slots__ = ("at", "data", "end", "flexible", "throttle_ms")

    def __init__(self, data: bytes, *, flexible: bool) -> None:
        self.data = data
        self.at = 0
        self.end = len(data)
        self.flexible = flexible
        self.throttle_ms = 0

    def take(self, length: int) -> bytes:
        start = self.at
        if not 0 <= length <= self.end - start:
            raise MalformedError("the answer ends too early")
        self.at = start + length
        return self.data[start : self.at]

    def _number(self, form: struct.Struct) -> int:
        start = self.at
        self.at = start + form.size
        if self.at > self.end:
            raise MalformedError("the answer ends too early")
        return int(form.unpack_from(self.data, start)[0])

    def int8(self) -> int:
        return self._number(_INT8)

    def int16(self) -> int:
        return self._number(_INT16)

    def int32(self) -> int:
        return self._number(_INT32)

    def int64(self) -> int:
        return self._number(_INT64)

    def float64(self) -> float:
        return float(_FLOAT64.unpack(self.take(8))[0])

    def boolean(self) -> bool:
        return self.int8() != 0

    def uuid(self) -> bytes:
        return self.take(16)

    def throttle(self) -> None:
        """The field `throttle_time_ms`: how long the broker asks this client to stay silent."""
        self.throttle_ms = max(0, self.int32())

    def operations(self) -> int | None:
        """The field `authorized_operations`: a bit for each that the user may do; None: not asked for, or not
        reported."""
        bits = self.int32()
        return None if bits == _OPERATIONS_NOT_TOLD else bits

    def varint(self) -> int:
        """An unsigned one of at most 32 bits."""
        at = self.at
        if at < self.end and (byte := self.data[at]) < 0x80:  # nearly all are one byte
            self.at = at + 1
            return byte
        number = shift = 0
        for _ in range(_LONGEST_VARINT):
            byte = self.take(1)[0]
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7
        raise MalformedError("a varint of more than five bytes")

    def _length(self, fixed: Callable[[], int]) -> int:
        return self.varint() - 1 if self.flexible else fixed()

    def nullable_text(self) -> str | None:
        length = self.varint() - 1 if self.flexible else self.int16()
        if length < 0:
            return None
        try:
            return self.take(length).decode()
        except UnicodeDecodeError:
            raise MalformedError("a text that is not UTF-8") from None

    def text(self) -> str:
        text = self.nullable_text()
        if text is None:
            raise MalformedError("a null instead of a text")
        return text

    def nullable_blob(self) -> bytes | None:
        length = self._length(self.int32)
        return None if length < 0 else self.take(length)

    def blob(self) -> bytes:
        blob = self.nullable_blob()
        if blob is None:
            raise MalformedError("a null instead of bytes")
        return blob

    def count(self) -> int:
        """How many items of an array follow; -1: null. Each is at least a byte, so a count beyond the answer
        is caught before anything is allocated for it."""
        count = self._length(self.int32)
        if not -1 <= count <= self.end - self.at:
            raise MalformedError("an array that is longer than the answer")
        return count

    def length(self) -> int:
        """The same for an array that may not be null: nothing is not the same as none."""
        count = self.count()
        if count < 0:
            raise MalformedError("a null instead of an array")
        return count

    def array(self, item: Callable[[], Item]) -> list[Item]:
        return [item() for _ in range(self.count())]

    def int32s(self) -> tuple[int, ...]:
        """A whole array of them at once."""
        count = max(0, self.count())
        return struct.unpack(f">{count}i", self.take(4 * count))

    def tags(self) -> None:
        """Skips the tagged fields that end a struct; nothing in a version that is not flexible."""
        if self.flexible:
            for _ in range(self.varint()):
                self.varint()
                self.take(self.varint())

    def finish(self) -> None:
        if self.at != self.end:
            raise MalformedError(f"an answer with {self.end - self.at} bytes too many")


class Writer:
    """The body of a request."""

    __slots__ = ("data", "flexible")

    def __init__(self, *, flexible: bool) -> None:
        self.data = bytearray()
        self.flexible = flexible

    def int8(self, number: int) -> None:
        self.data += _INT8.pack(number)

    def int16(self, number: int) -> None:
        self.data += _INT16.pack(number)

    def int32(self, number: int) -> None:
        self.data += _INT32.pack(number)

    def int64(self, number: int) -> None:
        self.data += _INT64.pack(number)

    def boolean(self, value: bool) -> None:
        self.int8(int(value))

    def raw(self, data: bytes) -> None:
        self.data += data

    def varint(self, number: int) -> None:
        while number > 0x7F:
            self.data.append(number & 0x7F | 0x80)
            number >>= 7
        self.data.append(number)

    def text(self, text: str | None) -> None:
        data = None if text is None else text.encode()
        self.head_of_text(None if data is None else len(data))
        self.data += data or b""

    def head_of_text(self, size: int | None) -> None:
        """The prefix of a text of this many bytes; None: a null text."""
        if self.flexible:
            self.varint(0 if size is None else size + 1)
        else:
            self.int16(-1 if size is None else size)

    def blob(self, data: bytes) -> None:
        if self.flexible:
            self.varint(len(data) + 1)
        else:
            self.int32(len(data))
        self.data += data

    def count(self, count: int | None) -> None:
        """The prefix of an array of this many items; None: a null array."""
        if self.flexible:
            self.varint(0 if count is None else count + 1)
        else:
            self.int32(-1 if count is None else count)

    def array(self, items: Sequence[Item], item: Callable[[Item], None]) -> None:
        self.count(len(items))
        for one in items:
            item(one)

    def tags(self) -> None:
        """No tagged fields, at the end of a struct."""
        if self.flexible:
            self.data.append(0)


_INT8, _INT16, _INT32, _INT64 = (struct.Struct(f">{form}") for form in "bhiq")
_FLOAT64 = struct.Struct(">d")


class BrokerError(Exception):
    """A broker answered with an error, or gave no answer. `code`: Kafka's, or librdkafka's (negative) for what
    happens before an answer (_TRANSPORT, _TIMED_OUT, _RESOLVE, _SSL, _AUTHENTICATION, …), so that
    `platforms.kafka.errors` has sentences for both. `said`: the peer's words, without secrets, as one
    printable line: a peer must not be able to steer a terminal, and librdkafka's errors do not accept NUL."""

    def __init__(self, code: int, said: str = "") -> None:
        super().__init__(code)
        self.code = code
        printable = "".join(c if c.isprintable() else " " for c in said[:_LONGEST_WORDS])
        self.said = " ".join(printable.split())


class Connections(Protocol):
    """What the reads use: the connections to a cluster's brokers, one per broker, opened when first needed,
    with many requests in flight on each. Used inside one event loop."""

    async def brokers(self) -> Sequence[BrokerNode]:
        """The live brokers, as the cluster gave them when it was first asked or last `refreshed`."""

    async def refreshed(self) -> Sequence[BrokerNode]:
        """The same, requested again: for when a leader or coordinator has moved to an unknown broker."""

    async def ask(self, request: Request[Answer], *, broker: int | None = None) -> Answer:
        """The answer of that broker, or of any. Raises BrokerError when there is none, UnsupportedError when the
        broker has no version of the request, MalformedError when the answer is not one of Kafka's."""

    async def version(self, request: Request[Answer], *, broker: int | None = None) -> int | None:
        """The version that would be agreed on; None: the broker lacks the request."""


async def together(reads: Iterable[Coroutine[Any, Any, Item]]) -> list[Item]:
    """Their results, in their order. The first error ends the others and is raised as it is."""
    tasks: list[asyncio.Task[Item]] = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks.extend(group.create_task(read) for read in reads)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
