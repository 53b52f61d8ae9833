import traceback

import pytest

from mesh_assets.errors import EstateError
from mesh_assets.platforms.secrets.fields import Kept, pick
from mesh_assets.platforms.secrets.reference import SecretName


def _reference(field: str | None) -> SecretName:
    return SecretName(
        "secretsmanager:kafka" + (f"#{field}" if field else ""), "secretsmanager", "kafka", field
    )


@pytest.mark.parametrize(
    ("field", "kept", "value"),
    [
        (None, "hush", "hush"),
        (None, '{"password": "hush"}', '{"password": "hush"}'),
        ("password", '{"username": "alice", "password": "hush"}', "hush"),
        ("pin", '{"pin": 1234}', "1234"),
        ("password", {"password": "hush"}, "hush"),
    ],
)
def test_a_value_is_the_whole_or_one_field(field: str | None, kept: Kept, value: str) -> None:
    assert pick(_reference(field), kept) == value


@pytest.mark.parametrize(
    ("field", "kept", "sentence"),
    [
        (
            "pass",
            '{"username": "alice", "password": "hush"}',
            "the secret has no field 'pass'; it has: password, username",
        ),
        ("password", "{}", "the secret has no field 'password'; it has: none"),
        ("password", "hush-hush", "the secret is no JSON object; leave #password out for its whole text"),
        ("password", '["hush"]', "the secret is no JSON object"),
        ("password", '{"password": {"hush": 1}}', "field 'password' is no text"),
        ("password", '{"password": null}', "field 'password' is no text"),
        (None, {"password": "hush"}, "has fields; say which one: password"),
    ],
)
def test_what_is_missing_is_named_and_no_value_is(field: str | None, kept: Kept, sentence: str) -> None:
    with pytest.raises(EstateError, match=r"^secretsmanager:kafka") as caught:
        pick(_reference(field), kept)
    assert sentence in str(caught.value)
    assert "hush" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None, "an error of JSON carries the whole text"
