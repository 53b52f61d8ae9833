"""Topics with faults in their records, written down by the planter: profiles must find these faults and no
others.

They are written on demand (`mesh_assets/sandbox/planting.py`), since nothing else in the sandbox needs them.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

PREFIX = "quality-"
RECORDS = 2_000
PARTITIONS = 2
_STEP = timedelta(seconds=9)
"""Between two records, so that all of them span five hours."""


@dataclass(frozen=True, slots=True)
class PlantedRecord:
    """`schema`: the version of the topic's subject that the value has; None: it names no schema. `value`:
    encoded by that schema, or else as JSON. `raw`: bytes to send behind the schema's id instead, as a broken
    producer would."""

    key: str
    at: datetime
    value: Mapping[str, Any]
    schema: int | None = None
    raw: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyTopic:
    """`schemas`: the versions of its subject, oldest first; `schema_type`: theirs. `make`: a record's value
    from its number and chance. `faults`: what is planted, as (kind, path or None). `quiet`: how long ago its
    last record was."""

    name: str
    make: Callable[[int, Random], Mapping[str, Any]]
    faults: frozenset[tuple[str, str | None]] = frozenset()
    schema_type: str | None = None
    schemas: tuple[Mapping[str, Any], ...] = ()
    version: Callable[[int], int] | None = None
    broken: Callable[[int], bool] = lambda _: False
    repeated: Callable[[int], bool] = lambda _: False
    quiet: timedelta = timedelta()


def _every(number: int, offset: int = 3) -> Callable[[int], bool]:
    return lambda index: index % number == offset


def _avro(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "record",
        "name": name,
        "namespace": "quality",
        "fields": [
            {"name": field, "type": kind, **({"default": None} if isinstance(kind, list) else {})}
            for field, kind in fields.items()
        ],
    }


def _order(index: int, rng: Random) -> Mapping[str, Any]:
    value: dict[str, Any] = {"order_id": f"QO-{index:06}", "state": rng.choice(("open", "paid", "sent"))}
    if index % 20 != 7:
        value["amount"] = round(rng.uniform(5, 500), 2)
    return value


def _payment(index: int, rng: Random) -> Mapping[str, Any]:
    return {"payment_id": f"QP-{index:06}", "amount": rng.uniform(1, 99), "settled": rng.random() < 0.5}


def _heartbeat(index: int, rng: Random) -> Mapping[str, Any]:
    return {"beat": index, "load": round(rng.random(), 3)}


def _shipment(index: int, rng: Random) -> Mapping[str, Any]:
    return {"shipment_id": f"QS-{index:06}", "weight": rng.randint(1, 9_000)}


def _invoice(index: int, rng: Random) -> Mapping[str, Any]:
    quantity: Any = rng.randint(1, 40)
    return {"invoice_id": f"QI-{index:06}", "quantity": str(quantity) if index % 33 == 5 else quantity}


def _customer(index: int, rng: Random) -> Mapping[str, Any]:
    return {
        "customer_no": f"QC-{index:06}",
        "tier": rng.choice(("gold", "silver")),
        "since": 2_000 + index % 26,
    }


def _ticket(index: int, rng: Random) -> Mapping[str, Any]:
    said = rng.choice(("cannot log in", "screen stays black", "wants an invoice"))
    note = f"{said}, answer to jo{index}.doe@example.com" if index % 10 == 4 else said
    return {"ticket_id": f"QT-{index:06}", "note": note}


def _basket(index: int, rng: Random) -> Mapping[str, Any]:
    return {"basket_id": f"QB-{index:06}", "shopper_ref": f"person-{rng.randrange(600):05}-x"}


def _visit(index: int, rng: Random) -> Mapping[str, Any]:
    return {"visit_id": f"QV-{index:06}", "visitor_id": f"person-{rng.randrange(700):05}-x"}


def _account(index: int, rng: Random) -> Mapping[str, Any]:
    return {"account_id": f"QA-{index:06}", "member_id": f"member-{rng.randrange(500):05}"}


def _device(index: int, rng: Random) -> Mapping[str, Any]:
    return {"device_id": f"QD-{index:06}", "member_id": f"member-{90_000 + rng.randrange(500):05}"}


_INVOICE = {
    "type": "object",
    "properties": {"invoice_id": {"type": "string"}, "quantity": {"type": "integer"}},
    "required": ["invoice_id", "quantity"],
}

FAULTY_TOPICS: tuple[FaultyTopic, ...] = (
    FaultyTopic(name=f"{PREFIX}orders", make=_order, faults=frozenset({("incomplete_field", "amount")})),
    FaultyTopic(
        name=f"{PREFIX}payments",
        make=_payment,
        schema_type="AVRO",
        schemas=(_avro("Payment", payment_id="string", amount="double", settled="boolean"),),
        broken=_every(100),
        faults=frozenset({("undecodable_records", None)}),
    ),
    FaultyTopic(
        name=f"{PREFIX}heartbeats",
        make=_heartbeat,
        quiet=timedelta(hours=1),
        faults=frozenset({("silent_topic", None)}),
    ),
    FaultyTopic(
        name=f"{PREFIX}shipments",
        make=_shipment,
        repeated=_every(50),
        faults=frozenset({("duplicate_keys", None)}),
    ),
    FaultyTopic(
        name=f"{PREFIX}invoices",
        make=_invoice,
        schema_type="JSON",
        schemas=(_INVOICE,),
        faults=frozenset({("wrong_type", "quantity")}),
    ),
    FaultyTopic(
        name=f"{PREFIX}customers",
        make=_customer,
        schema_type="AVRO",
        schemas=(
            _avro("Customer", customer_no="string", tier="string"),
            _avro("Customer", customer_no="string", tier="string", since=["null", "int"]),
        ),
        version=lambda index: 1 if index % 5 == 0 else 2,
        faults=frozenset({("old_schema", None)}),
    ),
    FaultyTopic(name=f"{PREFIX}tickets", make=_ticket, faults=frozenset({("personal_data", "note")})),
    FaultyTopic(name=f"{PREFIX}baskets", make=_basket),
    FaultyTopic(name=f"{PREFIX}visits", make=_visit),
    FaultyTopic(name=f"{PREFIX}accounts", make=_account),
    FaultyTopic(name=f"{PREFIX}devices", make=_device),
)

SHARED_KEYS = frozenset({frozenset({(f"{PREFIX}baskets", "shopper_ref"), (f"{PREFIX}visits", "visitor_id")})})
"""Fields of two topics with the same values."""
SEEMING_KEYS = frozenset({frozenset({(f"{PREFIX}accounts", "member_id"), (f"{PREFIX}devices", "member_id")})})
"""Fields of one name whose values only look alike."""


def planted_faults() -> frozenset[tuple[str, str, str | None]]:
    """Topic, kind and path of every fault."""
    return frozenset((topic.name, kind, path) for topic in FAULTY_TOPICS for kind, path in topic.faults)


def planted_records(topic: FaultyTopic, *, now: datetime, records: int = RECORDS) -> Iterator[PlantedRecord]:
    """The same for each call except for their times, oldest first; the newest is `quiet` before `now`."""
    begin = now - topic.quiet - records * _STEP
    before: PlantedRecord | None = None
    for index in range(records):
        at = begin + (index + 1) * _STEP
        if before is not None and topic.repeated(index):
            yield PlantedRecord(before.key, at, before.value, before.schema, before.raw)
            continue
        value = topic.make(index, Random(f"{topic.name} {index}"))
        version = None
        if topic.schemas:
            version = len(topic.schemas) if topic.version is None else topic.version(index)
        raw = b"\xff" if topic.broken(index) else None
        before = PlantedRecord(str(next(iter(value.values()))), at, value, version, raw)
        yield before


def as_json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
