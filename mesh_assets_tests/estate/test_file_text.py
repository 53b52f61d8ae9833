"""The estate file as a text: its encoding, the `.env` beside it, addresses with credentials in clear."""

import codecs
import os
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.errors import EstateError
from mesh_assets.estate.file import estate_path, load_estate, parse_estate
from mesh_assets_tests.estates import findings


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EstateError, match=r"there is no estate file at .*nowhere\.yaml; set MESH_ESTATE"):
        load_estate(tmp_path / "nowhere.yaml")


def test_the_environment_names_the_file() -> None:
    assert estate_path({"MESH_ESTATE": "a/b.yaml"}) == Path("a/b.yaml")
    assert estate_path({}) == Path("estate.yaml")


def test_a_dotenv_file_beside_the_estate_gives_what_the_environment_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "estate.yaml").write_text("clusters: {a: {kafka: {bootstrap_servers: 'h:1'}}}\n")
    (tmp_path / ".env").write_text("MESH_TEST_A=from the file\nMESH_TEST_B=from the file\n")
    monkeypatch.setenv("MESH_TEST_B", "from the environment")
    monkeypatch.setenv("MESH_TEST_A", "")
    monkeypatch.delenv("MESH_TEST_A")
    load_estate(tmp_path / "estate.yaml")
    assert (os.environ["MESH_TEST_A"], os.environ["MESH_TEST_B"]) == ("from the file", "from the environment")


@given(name=st.text(st.sampled_from("aB9.-_ü²/ \t|,[]'"), min_size=1, max_size=8))
def test_dagster_accepts_every_name_that_the_estate_accepts(name: str) -> None:
    try:
        estate = parse_estate(yaml.safe_dump({"clusters": {name: {"kafka": KAFKA}}}), source="x")
    except EstateError:
        return
    assert dg.StaticPartitionsDefinition(list(estate.clusters)).get_partition_keys() == [name]


KAFKA = {"bootstrap_servers": "h:1"}
ONE = "clusters: {a: {kafka: {bootstrap_servers: 'h:1'}, connect: [{kind: kafka_connect, url: 'http://größe:1'}]}}\r\n"


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + ONE.encode(),
        codecs.BOM_UTF16_LE + ONE.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + ONE.encode("utf-16-be"),
        ONE.encode(),
    ],
    ids=["utf-8 with a mark", "utf-16-le", "utf-16-be", "utf-8"],
)
def test_a_byte_order_mark_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    monkeypatch.setenv("MESH_TEST_A", "")
    monkeypatch.delenv("MESH_TEST_A")
    (tmp_path / "estate.yaml").write_bytes(data)
    mark = next(
        (one for one in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) if data[:2] == one[:2]),
        b"",
    )
    encoding = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}.get(mark, "utf-8")
    (tmp_path / ".env").write_bytes(mark + "MESH_TEST_A=größe\n".encode(encoding))

    [endpoint] = load_estate(tmp_path / "estate.yaml").clusters["a"].connect

    assert getattr(endpoint, "url", None) == "http://größe:1"
    assert os.environ["MESH_TEST_A"] == "größe"


def test_an_unreadable_dotenv_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(ONE)
    (tmp_path / ".env").write_bytes(b"A=\xff\xfe\xff")

    with pytest.raises(EstateError, match=r"\.env cannot be read"):
        load_estate(tmp_path / "estate.yaml")


def with_field(field: str, value: object) -> dict[str, object]:
    """An estate with the value at a path like `clusters.a.schema_registry.url`."""
    estate: dict[str, object] = {"clusters": {"a": {"kafka": dict(KAFKA)}}}
    at = estate
    *path, last = field.split(".")
    for part in path:
        at = at.setdefault(part, {})  # type: ignore[assignment] # mappings all the way
    at[last] = value
    return estate


_AWS = {"region": "eu-west-1"}
ADDRESSES: list[tuple[str, Callable[[str], object]]] = [
    ("clusters.a.schema_registry.url", str),
    ("clusters.a.connect", lambda url: [{"kind": "kafka_connect", "url": url}]),
    ("clusters.a.connect", lambda url: [{"kind": "msk_connect", "endpoint_url": url}]),
    ("clusters.a.alarms", lambda url: {"endpoint_url": url}),
    ("clusters.a.kafka", lambda url: {**KAFKA, "properties": {"sasl.oauthbearer.endpoint.url": url}}),
    ("triggers.queue_url", str),
    ("triggers", lambda url: {"queue_url": "https://q", "dead_letter_queue_url": url}),
    ("esm.accounts", lambda url: [{**_AWS, "endpoint_url": url}]),
]


@pytest.mark.parametrize(("field", "made"), ADDRESSES, ids=[field for field, _ in ADDRESSES])
@pytest.mark.parametrize(
    "url",
    [
        "https://user:hunter2@host",
        "https://user:hunter2@host:8081/path",
        "https://hunter2@host",
        "https://${USER}:hunter2@host",
        "https://user:hunter2/x@host",
        "https://user:hunter2#x@host",
    ],
)
def test_an_address_with_plain_text_credentials_is_refused_without_repeating_them(
    field: str, made: Callable[[str], object], url: str
) -> None:
    [finding] = [line for line in findings(yaml.safe_dump(with_field(field, made(url)))) if "address" in line]

    assert "an address must not contain a user or password in plain text" in finding
    assert "hunter2" not in finding


@pytest.mark.parametrize(
    "url",
    [
        "https://host:8081/path",
        "https://${USER}:${PASSWORD}@host",
        "https://user:${PASSWORD}@host",
        "https://${TOKEN}@host",
        "${URL}",
        "https://host/path@2",
        "https://host:8081/a@b",
    ],
)
def test_an_address_without_plain_text_credentials_is_accepted(url: str) -> None:
    estate = parse_estate(yaml.safe_dump(with_field("clusters.a.schema_registry.url", url)), source="x")

    registry = estate.clusters["a"].schema_registry
    assert registry is not None
    assert registry.url == url
