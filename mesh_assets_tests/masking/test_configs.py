import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.masking.configs import (
    MASK,
    hidden_parts,
    mask_config,
    mask_text,
    mask_trace,
    mask_value,
    masked_values,
)

SECRET = "s3cr3t-Value_42"


@pytest.mark.parametrize(
    "key",
    [
        "connection.password",
        "database.password",
        "ssl.keystore.password",
        "ssl.key.password",
        "aws.secret.access.key",
        "aws.access.key.id",
        "kafka.api.secret",
        "kafka.api.key",
        "schema.registry.basic.auth.user.info",
        "value.converter.basic.auth.user.info",
        "producer.override.sasl.jaas.config",
        "consumer.override.sasl.oauthbearer.client.secret",
        "azure.storage.account.key",
        "azure.sas.key",
        "gcp.credentials.json",
        "snowflake.private.key",
        "snowflake.private.key.passphrase",
        "http.auth.token",
        "oauth2.client.secret",
        "mongodb.connection.string",
        "ssl.keystore.key",
        "db.pw",
        "mqtt.tls.psk",
        "snmp.community.string",
        "nats.nkey.seed",
        "pkcs11.pin",
        "http.session.id",
        "wallet.mnemonic",
        "transforms.hash.pepper",
        "shared.access.signature",
        "oauth.client.assertion",
        "http.auth.value",
        "api.key.1",
        "apiKey2",
        "api_key_v3",
        "keystore.base64",
        "keytab.content",
        "bigquery.keyfile.json",
        "signing.jwk",
    ],
)
def test_a_secret_under_a_telling_key_is_masked(key: str) -> None:
    assert mask_value(key, SECRET) == MASK


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "orders-source"),
        ("connector.class", "org.apache.kafka.connect.file.FileStreamSourceConnector"),
        ("topics", "orders,users"),
        ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("key.ignore", "true"),
        ("ssl.keystore.location", "/etc/keys/store.jks"),
        ("ssl.keystore.type", "PKCS12"),
        ("basic.auth.credentials.source", "USER_INFO"),
        ("aws.credentials.provider.class", "com.example.Provider"),
        ("value.subject.name.strategy", "io.confluent.TopicNameStrategy"),
        ("tasks.max", "3"),
        ("errors.deadletterqueue.topic.name", "dlq"),
        ("connection.url", "jdbc:postgresql://db:5432/shop"),
        ("token.required", "true"),
        ("ssl.client.auth", "required"),
        ("sse.kms.key", "arn:aws:kms:eu-central-1:111122223333:key/ab-12"),
        ("bigquery.keyfile.json", "/etc/keys/bigquery.json"),
        ("database.ssl.keystore", "/etc/keys/store.jks"),
        ("partition.key.1", "id"),
        ("database.password", "${file:/etc/secrets:password}"),
        ("database.password", ""),
        ("database.password", None),
    ],
)
def test_values_that_are_not_secret_stay_readable(key: str, value: str | None) -> None:
    assert mask_value(key, value) == value


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (
            "jdbc:mysql://db/shop?user=app&password=hunter2&ssl=true",
            f"jdbc:mysql://db/shop?user=app&password={MASK}&ssl=true",
        ),
        ("mongodb+srv://app:hunter2@cluster0.example/db", f"mongodb+srv://{MASK}@cluster0.example/db"),
        ("https://app:hunter2@host/path", f"https://{MASK}@host/path"),
        ("AccountName=x;AccountKey=hunter2==;Endpoint=y", f"AccountName=x;AccountKey={MASK};Endpoint=y"),
        ("Caused by: login failed, password='hunter2'", f"Caused by: login failed, password={MASK}"),
        ("ConnectException: could not reach db:5432", "ConnectException: could not reach db:5432"),
    ],
)
def test_credentials_inside_a_text_are_masked_and_the_rest_stays(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    "value",
    [
        "-----BEGIN RSA PRIVATE KEY-----\nabc",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.sig",
        "Bearer abcdef",
    ],
)
def test_a_value_with_the_form_of_a_secret_is_masked_under_any_key(value: str) -> None:
    assert mask_value("transforms.x.value", value) == MASK


@given(
    st.dictionaries(st.text(), st.one_of(st.none(), st.text())),
    st.sampled_from(["password", "DB_PASSWORD", "x.password"]),
)
def test_no_config_lets_a_password_through_and_no_key_is_lost(
    config: dict[str, str | None], key: str
) -> None:
    masked = mask_config({**config, key: SECRET})

    assert masked.keys() == {*config, key}
    assert masked[key] == MASK


@given(st.dictionaries(st.text(), st.one_of(st.none(), st.text())))
def test_masking_is_idempotent(config: dict[str, str | None]) -> None:
    once = mask_config(config)

    assert mask_config(once) == once


def test_a_value_masked_by_the_platform_gets_one_mask_whatever_its_length() -> None:
    assert mask_config({"credentials.config": "*" * 16, "odd.setting": "*" * 10, "pattern": "***"}) == {
        "credentials.config": MASK,
        "odd.setting": MASK,
        "pattern": "***",
    }


def test_a_trace_loses_the_secrets_of_its_connector_and_stays_readable() -> None:
    trace = "io.debezium.connector.Task: user debezium with s3cr%t-1 refused by kafka:9092"

    assert (
        mask_trace(trace, ["debezium", "s3cr%t-1", "kafka", "by"])
        == f"io.debezium.connector.Task: user {MASK} with {MASK} refused by kafka:9092"
    )


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("http.headers", "Accept:text/plain|X-Shop:abc", f"Accept:text/plain|X-Shop:{MASK}"),
        ("headers", "Authorization: Digest a=b, c=d, Accept: x", f"Authorization: {MASK}, Accept: x"),
        ("headers", '{"X-Shop": "abc"}', MASK),
        ("transforms.drop.headers", "trace-id,span-id", "trace-id,span-id"),
        ("proxy.auth", "app:hunter2", MASK),
        ("keyfile", "/etc/keys/bigquery.json", "/etc/keys/bigquery.json"),
        ("keyfile", '{"private_key": "x"}', MASK),
        ("ssl.keystore.key", "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----", MASK),
        ("transforms.maskToken.fields", "token,password", "token,password"),
        ("column.mask.hash.SHA-256.with.salt.CzQMA0cB5K", "shop.users.name", "shop.users.name"),
    ],
)
def test_a_partly_secret_value_keeps_the_other_part(key: str, value: str, shown: str) -> None:
    assert mask_value(key, value) == shown


def test_the_salt_that_debezium_keeps_in_a_key_is_masked_in_the_key() -> None:
    key = "column.mask.hash.SHA-256.with.salt."
    masked = mask_config({f"{key}CzQMA0cB5K": "shop.users.name", f"{key}Dz7": "shop.users.mail"})

    assert masked == {f"{key}{MASK}": "shop.users.name", f"{key}{MASK}*": "shop.users.mail"}
    assert mask_config(masked) == masked


def test_masked_parts_of_values_are_known_and_so_is_a_login_password_alone() -> None:
    config = {
        "a.url": "mongodb://app:p@ss/1@m1:27017/shop",
        "b.url": "jdbc:x://h?password=one&ssl=true&token=two",
        "c.password": "whole",
        "d": "plain",
        "e.headers": "Accept:text/plain|X-Shop:abc",
    }
    masked = mask_config(config)

    assert hidden_parts(masked_values(config, masked), masked) == [
        "app:p@ss/1",
        "one",
        "two",
        "whole",
        "abc",
        "p@ss/1",
    ]
