"""hvac against Vault's HTTP API on a local port."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mesh_assets.errors import EstateError
from mesh_assets.platforms.secrets import forget_secrets, resolve
from mesh_assets_tests.platforms.secrets.a_vault import TOKEN, AVault, a_vault


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AVault]:
    with a_vault() as vault:
        monkeypatch.setenv("VAULT_ADDR", vault.address)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        monkeypatch.delenv("VAULT_NAMESPACE", raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        yield vault


def test_a_field_of_a_secret_of_version_2(vault: AVault) -> None:
    vault.secrets["secret/data/kafka/reader"] = {"username": "alice", "password": "hush"}
    assert resolve("vault:secret/kafka/reader#password") == "hush"
    assert resolve("vault:secret/kafka/reader#username") == "alice"
    assert vault.asked == ["sys/internal/ui/mounts/secret/kafka/reader", "secret/data/kafka/reader"]


def test_a_field_of_a_secret_of_version_1(vault: AVault) -> None:
    vault.secrets["old/kafka"] = {"password": "hush"}
    assert resolve("vault:old/kafka#password") == "hush"


def test_the_token_may_be_in_the_file_written_by_vault_login(
    vault: AVault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("VAULT_TOKEN")
    (tmp_path / ".vault-token").write_text(TOKEN)
    vault.secrets["old/kafka"] = {"password": "hush"}
    assert resolve("vault:old/kafka#password") == "hush"


def test_a_namespace_is_sent(vault: AVault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.namespace = "streaming"
    vault.secrets["old/kafka"] = {"password": "hush"}
    monkeypatch.setenv("VAULT_NAMESPACE", "streaming")
    assert resolve("vault:old/kafka#password") == "hush"


def _said(reference: str) -> str:
    forget_secrets()
    with pytest.raises(EstateError) as caught:
        resolve(reference)
    assert "hush" not in str(caught.value)
    assert TOKEN not in str(caught.value)
    return str(caught.value)


def test_a_missing_field_is_an_error_that_lists_the_existing_ones(vault: AVault) -> None:
    vault.secrets["secret/data/kafka"] = {"username": "alice", "password": "hush"}
    assert (
        _said("vault:secret/kafka#pass")
        == "vault:secret/kafka#pass: the secret has no field 'pass'; it has: password, username"
    )


def test_a_missing_or_deleted_secret(vault: AVault) -> None:
    gone = f"Vault at {vault.address} has no such secret (or its last version is deleted)"
    assert _said("vault:secret/kafka#password") == f"vault:secret/kafka#password: {gone}"
    vault.secrets["secret/data/kafka"] = {"password": "hush"}
    vault.deleted.add("secret/data/kafka")
    assert _said("vault:secret/kafka#password") == f"vault:secret/kafka#password: {gone}"
    assert _said("vault:secret/data/kafka#password").endswith(
        "; leave data/ out of the path, as in `vault kv get secret/…`"
    )


def test_a_refused_or_missing_token(vault: AVault, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - its address
    assert (
        "refused it: the token may not read this path, or is no longer valid; its policy needs `read`"
        in _said("vault:other/kafka#p")
    )
    monkeypatch.delenv("VAULT_TOKEN")
    assert "no token is set (VAULT_TOKEN or ~/.vault-token)" in _said("vault:secret/kafka#password")


def test_a_sealed_an_unreachable_and_an_unnamed_vault(vault: AVault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.sealed = True
    assert "failed (VaultDown); is it sealed or failing?" in _said("vault:secret/kafka#password")
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:1")
    assert "Vault at http://127.0.0.1:1 gave no answer (ConnectionError); check VAULT_ADDR" in _said(
        "vault:secret/kafka#password"
    )
    monkeypatch.delenv("VAULT_ADDR")
    assert "VAULT_ADDR is not set" in _said("vault:secret/kafka#password")


def test_a_missing_extra_is_named(vault: AVault, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - its address
    monkeypatch.setitem(sys.modules, "hvac", None)
    assert "install it with: pip install 'mesh-assets[vault]'" in _said("vault:secret/kafka#password")
