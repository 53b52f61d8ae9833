"""A hanging transaction is a change, and so is its end; those that open and end normally are not."""

import pytest

from mesh_assets.diff import diff_documents
from mesh_assets.inventory.transaction_records import Transactions
from mesh_assets_tests.documents import a_document, an_open_transaction, some_transactions

OPEN = some_transactions()
HANGING = some_transactions(open_transactions=(an_open_transaction(hanging="overdue"),))
LOST = some_transactions(
    open_transactions=(an_open_transaction(transactional_id=None, hanging="unknown_to_coordinator"),)
)


def told(before: Transactions | None, after: Transactions | None) -> list[tuple[str, str, str]]:
    changes = diff_documents(a_document(transactions=before), a_document(transactions=after))
    return [(change.kind, change.severity, change.sentence) for change in changes]


def test_a_transaction_that_hangs_is_a_change_and_so_is_its_end() -> None:
    assert told(OPEN, HANGING) == [
        (
            "created",
            "warning",
            "Transaction orders[0]@40 of pay hangs because it has outlived its own timeout: readers of committed "
            "records cannot get past it",
        )
    ]
    assert told(HANGING, OPEN) == [
        (
            "deleted",
            "warning",
            "Transaction orders[0]@40 of pay no longer hangs: readers of committed records can get past it",
        )
    ]
    [(_, _, sentence)] = told(OPEN, LOST)
    assert "of producer 7 hangs because no coordinator knows it" in sentence


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (OPEN, some_transactions(open_transactions=(), transactional_ids=())),
        (HANGING, HANGING),
        (HANGING, None),
        (HANGING, Transactions(unknown={"open_transactions": "refused"})),
        (Transactions(unknown={"open_transactions": "refused"}), HANGING),
        (None, HANGING),
    ],
)
def test_a_transaction_that_ends_by_itself_or_is_unknown_is_not_a_change(
    before: Transactions | None, after: Transactions | None
) -> None:
    assert told(before, after) == []
