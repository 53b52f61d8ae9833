import json
import time
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mesh_assets.masking.text import LEFT_OUT, MASK, SEARCHED_CHARACTERS, mask_text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"user":"a","password":"hun\\"ter","n":1}', f'{{"user":"a","password":"{MASK}","n":1}}'),
        ('{\\"password\\":\\"h\\\\\\"t\\",\\"n\\":1}', f'{{\\"password\\":\\"{MASK}\\",\\"n\\":1}}'),
        ('{"credentials": {"a": {"b": "}"}}, "n": 1}', f'{{"credentials": {MASK}, "n": 1}}'),
        ("{user=app, password=x, y z, port=1}", f"{{user=app, password={MASK}, port=1}}"),
        ("login failed, password='it''s' for app", f"login failed, password={MASK} for app"),
        ("ALTER USER app IDENTIFIED BY 'hunter2' x", f"ALTER USER app IDENTIFIED BY {MASK} x"),
        ("ALTER USER app IDENTIFIED BY hunter2 QUOTA", f"ALTER USER app IDENTIFIED BY {MASK} QUOTA"),
        ("alter user a identified by values 'S:1'", f"alter user a identified by values {MASK}"),
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
        ("login with password hunter2 failed", f"login with password {MASK} failed"),
        ("Password hunter2.", f"Password {MASK}."),
        ("his pwd is hunter2, mine too", f"his pwd is {MASK}, mine too"),
        ("the password was set to 'correct horse'", f"the password was set to '{MASK}'"),
        ("password for user app: Tr0ub4dor&3", f"password for user app: {MASK}"),
        ("the password of app is (hunter2)!", f"the password of app is ({MASK})!"),
        ("DB_PASSWORD hunter2", f"DB_PASSWORD {MASK}"),
        ("password 83619204 refused", f"password {MASK} refused"),
        ("credentials app:hunter2 refused", f"credentials {MASK} refused"),
        ("used token 5f3c9a7be1 twice", f"used token {MASK} twice"),
        ("the api key is k7Jx92mQ", f"the api key is {MASK}"),
        ("secret access key wJalrXUtnFEMIK7MDENG was refused", f"secret access key {MASK} was refused"),
        ('token "550e8400-e29b-41d4" is not valid', f'token "{MASK}" is not valid'),
        ("GET /x?u=https%3A%2F%2Fapp%3Ahunter2%40db%2Fa", f"GET /x?u=https%3A%2F%2F{MASK}%40db%2Fa"),
        ("user%3Dapp%26password%3Dx%26ssl%3Dtrue", f"user%3Dapp%26password%3D{MASK}%26ssl%3Dtrue"),
        (
            "user%253Dapp%2526password%253Dx%2526ssl%253Dtrue",
            f"user%253Dapp%2526password%253D{MASK}%2526ssl%253Dtrue",
        ),
        (
            "%7B%22password%22%3A%22a%20b%22%2C%22n%22%3A1%7D",
            f"%7B%22password%22%3A%22{MASK}%22%2C%22n%22%3A1%7D",
        ),
        (
            "Authorization%3A%20Bearer%20tok-En.77%0AHost%3A%20x",
            f"Authorization%3A%20{MASK}%0AHost%3A%20x",
        ),
        ("q=password%20hunter2%20is%20wrong", f"q=password%20{MASK}%20is%20wrong"),
        (
            "https://a.example/?error=The+password+is+hunter2&e=2",
            f"https://a.example/?error=The+password+is+{MASK}&e=2",
        ),
        (
            "%7B%22password%22%3A+%22a+b%22%2C+%22n%22%3A+1%7D",
            f"%7B%22password%22%3A+%22{MASK}%22%2C+%22n%22%3A+1%7D",
        ),
        ("q=%22the+pwd+was+hunter2%22", f"q=%22the+pwd+was+{MASK}%22"),
        ("password+%3D+hunter2", f"password+%3D+{MASK}"),
        ("%70assword=hunter2&n=1", f"%70assword={MASK}&n=1"),
        (
            '{"url":"h?a\\u0026password\\u003dhunter2\\u0026n"}',
            f'{{"url":"h?a\\u0026password\\u003d{MASK}\\u0026n"}}',
        ),
        ('"https:\\/\\/app:hunter2@db\\/x"', f'"https:\\/\\/{MASK}@db\\/x"'),
        ("password\\u003dhunter2", f"password\\u003d{MASK}"),
        (
            "<pre>{&quot;password&quot;: &quot;a b&quot;, &quot;n&quot;: 1}</pre>",
            f"<pre>{{&quot;password&quot;: &quot;{MASK}&quot;, &quot;n&quot;: 1}}</pre>",
        ),
        ("h?n=1&amp;password&#61;hunter2&amp;q", f"h?n=1&amp;password&#61;{MASK}&amp;q"),
        (
            "&amp;lt;password&amp;gt;hunter2&amp;lt;/password",
            f"&amp;lt;password&amp;gt;{MASK}&amp;lt;/password",
        ),
        ("${DB_URL:jdbc:pg://h?password=hunter2}", f"${{DB_URL:jdbc:pg://h?password={MASK}"),
        ("${DB_PASSWORD:hunter2}", f"${{DB_PASSWORD:{MASK}}}"),
        ("the password\xa0is\u202fhunter2", f"the password\xa0is\u202f{MASK}"),
        ("<password><![CDATA[hunter2]]></password>", f"<password><![CDATA[{MASK}]]></password>"),
        ('<entry key="db.password">hunter2</entry>', f'<entry key="db.password">{MASK}</entry>'),
        (
            "<name>db.password</name>\n  <value>hunter2</value>",
            f"<name>db.password</name>\n  <value>{MASK}</value>",
        ),
        (
            '[{"name": "DB_PASSWORD", "value": "a b"}, {"name": "n", "value": "1"}]',
            f'[{{"name": "DB_PASSWORD", "value": "{MASK}"}}, {{"name": "n", "value": "1"}}]',
        ),
        (
            '{\\"key\\":\\"db.password\\",\\"type\\":\\"S\\",\\"value\\":\\"x\\"}',
            f'{{\\"key\\":\\"db.password\\",\\"type\\":\\"S\\",\\"value\\":\\"{MASK}\\"}}',
        ),
        (
            "ConfigEntry(name=db.password, value=x1, source=S)",
            f"ConfigEntry(name=db.password, value={MASK}, source=S)",
        ),
        ("- name: DB_PASSWORD\n  value: x1\n", f"- name: DB_PASSWORD\n  value: {MASK}\n"),
        ("https://map.shop/api?ak=9f8e7d&q=1", f"https://map.shop/api?ak={MASK}&q=1"),
        ("\tobs.ak = HST7\n\tobs.sk = abc\n", f"\tobs.ak = {MASK}\n\tobs.sk = {MASK}\n"),
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
        "password authentication failed for user app1",
        "the password is wrong, and the token expired at 2026-11-29T10:00:00Z",
        "password is at least 8 characters long, password 1024 bytes at most",
        "PasswordException: password TooShort at Login.java:12",
        "password hashed with PBKDF2, token HS256, password SCRAM-SHA-512, password SHA-256",
        "no password /etc/secrets/db1 and no secret arn:aws:secretsmanager:x:1:secret:a1b2c3",
        "secret orders-db-credentials-2 of token bucket 12 for api key orders12 not found",
        "Unexpected token abc123def in JSON at position 7; Unrecognized token abc123def",
        "password %s of {0} and ${file:/a:b1} and <hidden1> and $1",
        "forgot your password? token_type Bearer, token v2.1, credentials provider",
        "password for app1 expired; password for user app1 is wrong",
        "https://x.example/a%20b?redirect=https%3A%2F%2Fy.example%3A8080%2Fc%40v1&token.max%3D8",
        "partition%5Fkey%3D4%26orders%3D42%2C%20topic%3A%20orders",
        '{"pk": "order-1", "sk": "line-7"}, aws.dynamodb.sk=line',
        "a user identified by name or identified by 7; C:\\users\\x20\\token\\u0041",
        '{"key": "password-reset-17", "value": "sent"}, {"name": "orders", "value": "token"}',
        '{"name": "db.password", "value": "${file:/etc/secrets:password}"}, {"name": "password", "value": null}',
        "q=token+bucket+12+is+full%21 and &lt;token&gt;null&lt;/token&gt; &amp; more",
    ],
)
def test_text_that_is_not_secret_stays(text: str) -> None:
    assert mask_text(text) == text


def test_text_too_long_to_be_searched_is_withheld() -> None:
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
    "password ",
    "password is a1",
    "password for a",
    "token is ",
    "token to to",
    "password%20",
    "password '",
    "password%253Da1b2",
    "%25",
    "%3D",
    "%40",
    "%2526",
    "A-A",
    "password+is+a1",
    "+",
    "\\u003d",
    "\\/",
    "&quot;password&quot;:",
    "&amp;",
    "&",
    "name: password, ",
    "name=password value=a",
    "<a key='password'>",
    "<name>password</name> <value>a",
    "alter user a identified by a ",
    "aA",
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
    """Eight times the text takes eight times as long, not sixty-four; the best of three, since the machine is busy. Times near
    zero cannot be compared."""
    small, large = ((piece * size)[:size] for size in (_SMALL, _SMALL * _TIMES))
    for _ in range(3):
        short, long = _seconds(small), _seconds(large)
        if long < 0.02 or long < 3 * _TIMES * short:
            return True
    return False


@pytest.mark.parametrize("piece", _PIECES)
def test_time_grows_linearly_with_the_text(piece: str) -> None:
    assert _grows_as_its_text(piece)


@pytest.mark.slow
@settings(max_examples=min(25, settings().max_examples))
@given(st.lists(st.sampled_from(_PIECES), min_size=2, max_size=5))
def test_time_grows_linearly_with_the_text_whatever_its_content(pieces: list[str]) -> None:
    assert _grows_as_its_text("".join(pieces))


@given(st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=5)), max_size=12))
@example(["password+is+a1{password=,a,};password=a "])
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


_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_words = st.text(_LETTERS, min_size=1, max_size=12)
_telling = st.sampled_from(
    ("password", "Password", "pwd", "passphrase", "credentials", "token", "secret", "api key")
)
_joined = st.sampled_from((" ", " is ", " was ", " has ", " of ", " for user ", " is not ", ", ", ". ", "? "))


@given(_words, _telling, _joined, _words, _words, st.integers(0, 999))
def test_a_sentence_of_words_and_small_numbers_stays(
    first: str, telling: str, joined: str, second: str, third: str, number: int
) -> None:
    text = (
        f"{first} {telling}{joined}{second} {third.capitalize()} {number} {telling}{joined}{number} {second}"
    )

    assert mask_text(text) == text


_signs = st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\"'`<>")
_typed = (
    st.text(_signs, min_size=2, max_size=30)
    .map(lambda text: f"q7{text}z")
    .filter(lambda text: MASK not in text)
)


@given(_typed)
def test_a_password_in_a_sentence_is_masked_to_its_end(password: str) -> None:
    forms = {
        form.format(password): form.format(MASK)
        for form in (
            "cannot log in with password {} today",
            "the pwd is {}, they say",
            "Password of app: {}",
            "the passphrase was '{}'",
        )
    }

    assert {text: mask_text(text) for text in forms} == forms


@given(_passwords, st.integers(1, 4))
def test_a_password_is_masked_however_often_its_text_was_encoded(password: str, times: int) -> None:
    text, masked = (
        f"user=app&password={quote(password, safe='')}&ssl=true",
        f"user=app&password={MASK}&ssl=true",
    )
    in_url = f"https://app:{quote(password, safe='')}@db.example/a?b=1"
    for _ in range(times):
        text, masked, in_url = quote(text, safe=""), quote(masked, safe="*"), quote(in_url, safe="")

    assert mask_text(f"GET /x?next={text} 403") == f"GET /x?next={masked} 403"
    shown = mask_text(f"at {in_url}, twice")
    assert quote(password, safe="") not in unquoted(shown, times)
    assert unquoted(shown, times) == f"at https://{MASK}@db.example/a?b=1, twice"


def unquoted(text: str, times: int) -> str:
    for _ in range(times):
        text = unquote(text)
    return text


_SAID = (
    "an order shipped to customers . , ! ( ) password pwd token secret credentials api key is was of the hunter2 a1b2c3d4 x "
    "ALTER USER IDENTIFIED BY Bearer Basic abcdefgh1234 Invalid value foo for configuration db.password name AKIAABCDEFGHIJKLMNOP"
)


@given(st.lists(st.sampled_from(_SAID.split()), min_size=1, max_size=12).map(" ".join))
def test_skipped_plain_words_hold_nothing_that_a_search_would_find(text: str) -> None:
    assert mask_text(text) == mask_text(text + "\n<>").removesuffix("\n<>")
