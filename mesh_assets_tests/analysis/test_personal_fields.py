import time

import pytest

from mesh_assets.analysis.schema_fields import is_personal, mask_personal


@pytest.mark.parametrize(
    "field",
    [
        "email",
        "billingAddress",
        "date_of_birth",
        "dateOfBirth",
        "name",
        "customer_name",
        "SSN",
        "ip_address",
        "phoneNumber",
    ],
)
def test_field_names_that_look_personal(field: str) -> None:
    assert is_personal(field)


@pytest.mark.parametrize(
    "field", ["order_id", "product_name", "units", "status", "topic_name", "amount", "region_id"]
)
def test_field_names_that_do_not_look_personal(field: str) -> None:
    assert not is_personal(field)


def test_values_are_masked_by_name_and_by_look_however_deep() -> None:
    record = {
        "order_id": "o-1",
        "units": 3,
        "customer": {"full_name": "Ada", "tags": ["vip"]},
        "shipping_address": {"city": "Ulm", "geo": [1.5, 2]},
        "note": "write to ada@example.com or +49 731 123456",
        "api_key": "abc",
        "paid": True,
        "gone": None,
    }
    assert mask_personal(record) == {
        "order_id": "o-1",
        "units": 3,
        "customer": {"full_name": "********", "tags": ["vip"]},
        "shipping_address": {"city": "********", "geo": ["********", "********"]},
        "note": "write to ******** or ********",
        "api_key": "********",
        "paid": True,
        "gone": None,
    }


@pytest.mark.parametrize(
    ("number", "is_card"),
    [
        (4111111111111111, True),
        (5500005555555559, True),
        (378282246310005, True),
        (4111111111111111.0, True),
        (4111111111111112, False),  # the check digit is wrong
        (1732849200000, False),  # milliseconds
        (1732849200000123, False),  # microseconds
        (42, False),
        (4.5, False),
    ],
)
def test_a_card_number_is_masked(number: float, is_card: bool) -> None:
    assert mask_personal({"amount": number}) == {"amount": "********" if is_card else number}


def test_map_keys_are_masked_and_none_is_lost() -> None:
    record = {"ada@example.com": 1, "bob@example.com": 2, "4111 1111 1111 1111": 3, "plain": 4}
    assert mask_personal({"by_customer": record}) == {
        "by_customer": {"********": 1, "*********": 2, "**********": 3, "plain": 4}
    }


def test_dimension_keys_are_not_secrets_but_tokens_are() -> None:
    record = {"product_key": "p-1", "key": "k", "api_key": "x", "note": "?sig=abc&x=1"}
    assert mask_personal(record) == {
        "product_key": "p-1",
        "key": "k",
        "api_key": "********",
        "note": "?sig=********&x=1",
    }


@pytest.mark.parametrize(
    "piece",
    ["a", "a.", "a@", "a@b.", "a@b-", "+1", "+1 ", "1", "1 ", "1.", "AB12 ", "(123) ", "123-45-", "é", "+"],
)
def test_time_grows_linearly_with_the_text(piece: str) -> None:
    small, large = ((piece * 16_000)[:size] for size in (2_000, 16_000))
    for _ in range(3):
        times = []
        for text in (small, large):
            started = time.thread_time()
            mask_personal({"note": text})
            times.append(time.thread_time() - started)
        if times[1] < 0.02 or times[1] < 24 * times[0]:
            return
    pytest.fail(f"8 times the text took {times[1] / times[0]:.0f} times as long")


def test_a_field_is_cut_before_it_is_searched() -> None:
    shown = mask_personal({"note": "x " * 1_000_000})["note"]
    assert len(shown) < 50_000
    assert shown.endswith("…")
