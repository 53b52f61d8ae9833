"""Changes of transactions: one starts to hang, or stops hanging.

Transactional ids come and go with the runs of applications, and transactions open and end by themselves many times a
second: neither is a change.
"""

from collections.abc import Iterator

from mesh_assets.diff.fields import Fields, created, deleted
from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.transaction_records import HangingBecause, OpenTransaction, Transactions
from mesh_assets.inventory.wording import named

_BECAUSE: dict[HangingBecause, str] = {
    "overdue": "it has outlived its own timeout",
    "unknown_to_coordinator": "no coordinator knows it, and it is older than any transaction may get",
}


def transaction_name(one: OpenTransaction) -> str:
    return f"{one.topic}[{one.partition}]@{one.start_offset}"


def transaction_fields(one: OpenTransaction) -> Fields:
    """What stays the same while it hangs."""
    return {
        "topic": one.topic,
        "partition": str(one.partition),
        "start_offset": str(one.start_offset),
        "producer_id": str(one.producer_id),
    }


def diff_transactions(before: Transactions | None, after: Transactions | None) -> Iterator[Change]:
    """Nothing if the open transactions were or are not known."""
    if before is None or after is None or before.open_transactions is None or after.open_transactions is None:
        return
    old = {transaction_name(one): one for one in before.hanging}
    new = {transaction_name(one): one for one in after.hanging}
    for name, one in old.items():
        if name not in new:
            sentence = f"Transaction {name} of {_whose(one)} no longer hangs: readers of committed records can get past it"
            yield deleted("hanging_transaction", name, one, sentence=sentence)
    for name, one in new.items():
        if name not in old:
            assert one.hanging is not None
            sentence = (
                f"Transaction {name} of {_whose(one)} hangs because {_BECAUSE[one.hanging]}: readers of committed records "
                "cannot get past it"
            )
            yield created("hanging_transaction", name, one, sentence=sentence, severity="warning")


def _whose(one: OpenTransaction) -> str:
    return f"producer {one.producer_id}" if one.transactional_id is None else named(one.transactional_id)
