import traceback

import pytest

from mesh_assets.errors import EstateError
from mesh_assets.platforms.secrets import resolve, shown
from mesh_assets.platforms.secrets.references import Kept, SecretName, parse_reference, pick


def test_a_variable_is_replaced_by_its_value() -> None:
    assert resolve("${KEY}", environment={"KEY": "abc"}) == "abc"
    assert resolve("broker-${N}.example:9092", environment={"N": "7"}) == "broker-7.example:9092"


def test_an_unset_variable_is_named() -> None:
    with pytest.raises(EstateError, match="the environment variable KEY is not set"):
        resolve("${KEY}", environment={"OTHER": "abc"})


def test_the_value_of_a_variable_never_becomes_a_reference() -> None:
    assert resolve("${KEY}", environment={"KEY": "ssm:/not/asked"}) == "ssm:/not/asked"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ssm:/agent/key", ("ssm", "/agent/key", None)),
        ("secretsmanager:AmazonMSK_reader", ("secretsmanager", "AmazonMSK_reader", None)),
        (
            "secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:AmazonMSK_x-AbCdEf#password",
            (
                "secretsmanager",
                "arn:aws:secretsmanager:eu-west-1:123456789012:secret:AmazonMSK_x-AbCdEf",
                "password",
            ),
        ),
        ("vault:secret/kafka/reader#password", ("vault", "secret/kafka/reader", "password")),
        ("ssm:/${STAGE}/key", ("ssm", "/live/key", None)),
    ],
)
def test_a_reference_is_parsed(text: str, expected: tuple[str, str, str | None]) -> None:
    assert parse_reference(text, environment={"STAGE": "live"}) == SecretName(text, *expected)  # type: ignore[arg-type] # Literal


@pytest.mark.parametrize("text", ["alice", "${KEY}", "https://registry.example", ""])
def test_other_text_is_not_a_reference(text: str) -> None:
    assert parse_reference(text) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("vault:secret/kafka", "names a secret of Vault, which has fields; say which one"),
        ("ssm:/agent/key#field", "a parameter is one value and has no fields"),
        ("ssm:", "ssm: is not a reference: expected ssm:/path"),
        ("secretsmanager:#password", "is not a reference"),
    ],
)
def test_a_faulty_reference_is_explained(text: str, sentence: str) -> None:
    with pytest.raises(EstateError, match=sentence):
        parse_reference(text)


def test_a_username_from_a_variable_is_shown_and_one_kept_with_its_password_is_not() -> None:
    assert shown("${KEY}", environment={"KEY": "ABCDEF"}) == "ABCDEF"
    assert shown("ssm:/agent/key") == "ssm:/agent/key"


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
def test_a_value_is_the_whole_secret_or_one_field(field: str | None, kept: Kept, value: str) -> None:
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
        ("password", "hush-hush", "the secret is not a JSON object; leave #password out for its whole text"),
        ("password", '["hush"]', "the secret is not a JSON object"),
        ("password", '{"password": {"hush": 1}}', "field 'password' is not text"),
        ("password", '{"password": null}', "field 'password' is not text"),
        (None, {"password": "hush"}, "has fields; say which one: password"),
    ],
)
def test_missing_fields_are_named_and_no_value_is_shown(field: str | None, kept: Kept, sentence: str) -> None:
    with pytest.raises(EstateError, match=r"^secretsmanager:kafka") as caught:
        pick(_reference(field), kept)
    assert sentence in str(caught.value)
    assert "hush" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None, "an error of JSON carries the whole text"
