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
def test_what_looks_personal(field: str) -> None:
    assert is_personal(field)


@pytest.mark.parametrize(
    "field", ["order_id", "product_name", "units", "status", "topic_name", "amount", "region_id"]
)
def test_what_does_not(field: str) -> None:
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
