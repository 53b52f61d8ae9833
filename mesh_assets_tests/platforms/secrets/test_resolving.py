from collections.abc import Mapping, Sequence

import pytest

from mesh_assets.errors import EstateError
from mesh_assets.platforms.secrets.references import Kept, SecretName
from mesh_assets.platforms.secrets.resolving import SecretReader


class Source:
    """Holds secrets; `asked` are the names in each call."""

    def __init__(self, **kept: str) -> None:
        self.kept = kept
        self.asked: list[list[str]] = []

    def __call__(self, references: Sequence[SecretName]) -> Mapping[str, Kept]:
        self.asked.append([reference.name for reference in references])
        if missing := [reference for reference in references if reference.name not in self.kept]:
            raise EstateError(f"{missing[0].shown}: there is no such secret")
        return {reference.name: self.kept[reference.name] for reference in references}


def _named(name: str, field: str | None = None) -> SecretName:
    return SecretName(f"ssm:{name}", "ssm", name, field)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_secrets_are_remembered_for_a_minute_and_no_longer() -> None:
    source, clock = Source(a="1", b="2"), Clock()
    reader = SecretReader({"ssm": source}, monotonic=clock)
    assert reader.read([_named("a")]) == {_named("a"): "1"}
    source.kept["a"] = "rotated"
    clock.now += 59
    assert reader.read([_named("a"), _named("b")]) == {_named("a"): "1", _named("b"): "2"}
    clock.now += 1
    assert reader.read([_named("a")]) == {_named("a"): "rotated"}
    assert source.asked == [["a"], ["b"], ["a"]]


def test_a_forgotten_secret_is_read_again() -> None:
    source = Source(a="1")
    reader = SecretReader({"ssm": source})
    reader.read([_named("a")])
    source.kept["a"] = "rotated"
    reader.forget()
    assert reader.read([_named("a")]) == {_named("a"): "rotated"}


def test_a_failure_is_not_remembered() -> None:
    source = Source()
    reader = SecretReader({"ssm": source})
    with pytest.raises(EstateError, match="ssm:a: there is no such secret"):
        reader.read([_named("a")])
    source.kept["a"] = "1"
    assert reader.read([_named("a")]) == {_named("a"): "1"}


def test_fields_of_one_secret_share_a_reading() -> None:
    source = Source(a='{"username": "alice", "password": "hush"}')
    reader = SecretReader({"ssm": source})
    assert list(reader.read([_named("a", "username")]).values()) == ["alice"]
    assert list(reader.read([_named("a", "password")]).values()) == ["hush"]
    assert source.asked == [["a"]]


def test_a_reader_prints_without_its_secrets() -> None:
    reader = SecretReader({"ssm": Source(a="hush")})
    reader.read([_named("a")])
    assert "hush" not in f"{reader!r} {reader}"
