"""A discovery with credentials in AWS and Vault: they are used and appear nowhere."""

import json
import shutil
from pathlib import Path

import boto3
import pytest

from mesh_assets.sandbox.servers import Endpoints
from mesh_assets_tests.platforms.secrets.a_vault import TOKEN, a_vault
from mesh_assets_tests.workplace import PROJECT, Workplace

pytestmark = pytest.mark.sandbox

SECRETS = {
    name: f"{name}-kept-elsewhere"
    for name in ("registry-user", "registry-password", "connect-user", "connect-password")
}


def test_a_secret_kept_in_aws_or_vault_appears_nowhere(
    endpoints: Endpoints,
    aws_account: str,  # noqa: ARG001 - its credentials
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    session = boto3.session.Session()
    ssm, secretsmanager = session.client("ssm"), session.client("secretsmanager")
    ssm.put_parameter(Name="/agent/registry-user", Value=SECRETS["registry-user"], Type="SecureString")
    secretsmanager.create_secret(
        Name="registry", SecretString=json.dumps({"password": SECRETS["registry-password"]})
    )
    ssm.close()
    secretsmanager.close()
    registry = {
        "username": "ssm:/agent/registry-user",
        "password": "secretsmanager:registry#password",
        "url": endpoints.registry_url,
    }
    connect = {
        "kind": "kafka_connect",
        "username": "vault:secret/connect#user",
        "password": "vault:secret/connect#password",
        "url": endpoints.connect_url,
    }
    cluster = {
        "kafka": {"bootstrap_servers": endpoints.bootstrap_servers},
        "schema_registry": registry,
        "connect": [connect],
    }
    (tmp_path / "estate.yaml").write_text(json.dumps({"clusters": {"warehouse": cluster}}))
    shutil.copy(PROJECT / "dagster.yaml", tmp_path)
    workplace = Workplace(tmp_path, tmp_path / "estate.yaml")
    workplace.clear_topic()
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)

    with a_vault() as vault:
        monkeypatch.setenv("VAULT_ADDR", vault.address)
        vault.secrets["secret/data/connect"] = {
            "user": SECRETS["connect-user"],
            "password": SECRETS["connect-password"],
        }
        discovered = workplace.mesh_assets("discover", "-v")
        del vault.secrets["secret/data/connect"]["password"]
        checked = workplace.mesh_assets("estate", "check", "--json")

    assert discovered.returncode == 0, discovered.stderr
    assert "stale" not in {state.status for state in workplace.latest().sections.values()}
    # A system that does not answer within the check's time, on a busy machine, is reported without a user.
    for reference in ("ssm:/agent/registry-user", "vault:secret/connect#password"):
        assert reference in checked.stdout or "no complete answer within" in checked.stdout
    written = [path.read_bytes() for path in workplace.folder.rglob("*") if path.is_file()]
    assert len(written) > 10
    said = [text.encode() for done in (discovered, checked) for text in (done.stdout, done.stderr)]
    for secret in (*SECRETS.values(), TOKEN):
        assert not any(secret.encode() in content for content in [*written, *said]), secret
