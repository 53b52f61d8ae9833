import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mesh_assets.inventory.secret_text import LEFT_OUT, MASK, SEARCHED_CHARACTERS, mask_text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"user":"a","password":"hun\\"ter","n":1}', f'{{"user":"a","password":"{MASK}","n":1}}'),
        ('{\\"password\\":\\"h\\\\\\"t\\",\\"n\\":1}', f'{{\\"password\\":\\"{MASK}\\",\\"n\\":1}}'),
        ('{"credentials": {"a": {"b": "}"}}, "n": 1}', f'{{"credentials": {MASK}, "n": 1}}'),
        ("{user=app, password=x, y z, port=1}", f"{{user=app, password={MASK}, port=1}}"),
        ("login failed, password='it''s' for app", f"login failed, password={MASK} for app"),
        ("ALTER USER app IDENTIFIED BY 'hunter2' x", f"ALTER USER app IDENTIFIED BY {MASK} x"),
        ("mysql --password hunter2 -h db", f"mysql --password {MASK} -h db"),
        (
            "sqlserver://h;user=sa;password={a;b}};c};ssl=true",
            f"sqlserver://h;user=sa;password={MASK};ssl=true",
        ),
        ("Authorization: Bearer abc.def was refused", f"Authorization: Bearer {MASK} was refused"),
        ("401 for Basic dXNlcjpwYXNz", f"401 for Basic {MASK}"),
        ("X-Api-Key: abc, Accept: text/plain", f"X-Api-Key: {MASK}, Accept: text/plain"),
        ("Cookie: a=b; c=d\nHost: x", f"Cookie: {MASK}\nHost: x"),
        ("jdbc:oracle:thin:scott/ti@g/r@//ora:1521/x", f"jdbc:oracle:thin:scott/{MASK}@//ora:1521/x"),
        ("sqlplus scott/tiger@ora:1521/x", f"sqlplus scott/{MASK}@ora:1521/x"),
        ("mongodb://app:p/a@s#s@m1,m2/db?w=1", f"mongodb://{MASK}@m1,m2/db?w=1"),
        ("redis://:p/a?s#s@host:6379/0", f"redis://{MASK}@host:6379/0"),
        ("https://app:p/s@host/a", f"https://{MASK}@host/a"),
        (
            "https://x.blob.core.windows.net/c?sv=1&sig=a%2Fb%3D&se=2",
            f"https://x.blob.core.windows.net/c?sv=1&sig={MASK}&se=2",
        ),
        ("https://hooks.slack.com/services/T0/B0/xyz now", f"https://hooks.slack.com/services/{MASK} now"),
        ("<cfg><password>hunter2</password></cfg>", f"<cfg><password>{MASK}</password></cfg>"),
        ('<add key="db.password" value="hunter2"/>', f'<add key="db.password" value="{MASK}"/>'),
        ("api.key.1=abc pw=hunter2", f"api.key.1={MASK} pw={MASK}"),
        (f"seed SUA{'ABCDEFG2' * 6}ABCDEFG refused", f"seed {MASK} refused"),
        ("API key: abc", f"API key: {MASK}"),
        ("used ghp_abcdefghijklmnopqrstuvwxyz0123456789.", f"used {MASK}."),
        (
            "Invalid value hunter2 for configuration connection.password: too short",
            f"Invalid value {MASK} for configuration connection.password: too short",
        ),
        ("a -----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY----- b", f"a {MASK} b"),
    ],
)
def test_a_secret_is_masked_in_every_form_and_the_rest_stays(text: str, masked: str) -> None:
    assert mask_text(text) == masked
    assert mask_text(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "at com.shop.TokenProvider.get(TokenProvider.java:123)",
        "com.shop.InvalidPasswordException: Login failed for user app",
        "Unrecognized token 'foo': was expecting (JSON String, Number, …)",
        "https://host:8080/path@v1 and https://host/x?email=a@b.example",
        "Basic authentication failed",
        "password=${file:/etc/secrets:password}&ssl=true",
        "connection.password = [hidden]",
        "partition_key=4, key=42, customer_key=7",
        "tokens.max=8, token.endpoint=https://login.shop/token",
        "password: must not be null",
        "arn:aws:secretsmanager:eu-central-1:111122223333:secret:AmazonMSK_orders-AbCdEf",
        "<token>null</token> and <topic>orders</topic>",
        "git+ssh at repo/image@sha256:0123",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask_text(text) == text


def test_what_is_too_long_to_be_searched_does_not_leave() -> None:
    shown = mask_text("x " * SEARCHED_CHARACTERS + "password=hunter2")

    assert "hunter2" not in shown
    assert shown.endswith(LEFT_OUT)
    assert mask_text(shown) == shown


_PIECES = (
    "a",
    "a.",
    "A/b",
    "://",
    "x://a",
    "x/@",
    "://a?x/@b:",
    "password=",
    "password='",
    '"password":"',
    '{"password":{',
    "secret: [",
    "{password=,a,}",
    "password=a,a",
    ",a=",
    ";password=a ",
    "--password ",
    "identified by '",
    "Authorization: ",
    "Bearer x",
    "Invalid value ",
    "<a",
    "<a ",
    "<password>a",
    "<a>",
    "name='password' value='a",
    "name='a' ",
    "arn:aws:a:b:1:",
    "jdbc:oracle:thin:a/",
    "eyJaaaaaaaaa.",
    "sk-",
    "xoxb-a",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ",
    "key: ",
    "\\",
    '"',
    "{",
    "[",
    "${",
    " ",
    "\n",
)
_SMALL, _TIMES = 4_000, 8


def _seconds(text: str) -> float:
    started = time.thread_time()
    mask_text(text)
    return time.thread_time() - started


def _grows_as_its_text(piece: str) -> bool:
    """Eight times the text takes eight times as long, not sixty-four; the best of three, for the machine has
    other work. What takes no time at all cannot be compared."""
    small, large = ((piece * size)[:size] for size in (_SMALL, _SMALL * _TIMES))
    for _ in range(3):
        short, long = _seconds(small), _seconds(large)
        if long < 0.02 or long < 3 * _TIMES * short:
            return True
    return False


@pytest.mark.parametrize("piece", _PIECES)
def test_the_time_grows_as_the_text(piece: str) -> None:
    assert _grows_as_its_text(piece)


@settings(
    max_examples=min(25, settings().max_examples), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(st.lists(st.sampled_from(_PIECES), min_size=2, max_size=5))
def test_the_time_grows_as_the_text_whatever_it_is_made_of(pieces: list[str]) -> None:
    assert _grows_as_its_text("".join(pieces))


@given(st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=5)), max_size=12))
def test_masking_a_masked_text_changes_nothing(pieces: list[str]) -> None:
    once = mask_text("".join(pieces))

    assert mask_text(once) == once


_PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126)
_passwords = st.text(_PRINTABLE, min_size=4, max_size=30).map(lambda text: f"q7{text}z")


@given(_passwords)
def test_no_character_within_a_password_ends_it_early(password: str) -> None:
    in_sql = password.replace("\\", "/")
    in_url = "".join(password.split()).translate(str.maketrans("", "", "\"'<>`|?"))
    after_semicolon = "".join(in_sql.split()).translate(str.maketrans("", "", ";\"'`{=["))
    forms = {
        json.dumps({"password": password, "n": 1}): f'{{"password": "{MASK}", "n": 1}}',
        json.dumps(json.dumps({"password": password})): json.dumps(f'{{"password": "{MASK}"}}'),
        "IDENTIFIED BY '{}' x".format(in_sql.replace("'", "''")): f"IDENTIFIED BY {MASK} x",
        "h;password={{{}}};ssl=1".format(password.replace("}", "}}")): f"h;password={MASK};ssl=1",
        f"mongodb://app:{in_url}@m1:27017/db?w=1": f"mongodb://{MASK}@m1:27017/db?w=1",
        f"amqp://app:{in_url}@mq/x": f"amqp://{MASK}@mq/x",
        f"h:1433;password={after_semicolon};ssl=1": f"h:1433;password={MASK};ssl=1",
    }

    assert {text: mask_text(text) for text in forms} == forms
