import json
from pathlib import Path
from typing import Any

import pytest

from mesh_assets.configuration.files import McpClient, entry_json, mcp_entry, mcp_file, merged_mcp
from mesh_assets.errors import ConfigurationError


@pytest.mark.parametrize(
    ("client", "file", "key", "extra"),
    [
        ("claude", ".mcp.json", "mcpServers", {}),
        ("cursor", ".cursor/mcp.json", "mcpServers", {}),
        ("vscode", ".vscode/mcp.json", "servers", {"type": "stdio"}),
    ],
)
def test_each_client_gets_its_own_shape_in_its_own_place(
    client: McpClient,
    file: str,
    key: str,
    extra: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert mcp_file(client, Path("project")) == Path("project") / file
    ((found, servers),) = mcp_entry(client, estate=Path("estate.yaml"), store=".mesh").items()
    server = servers["mesh-assets"]
    command = server.pop("command")
    assert found == key
    assert Path(command).is_absolute()
    assert server == {
        **extra,
        "args": ["mcp"],
        "env": {"MESH_ESTATE": str(tmp_path / "estate.yaml"), "MESH_STORE": str(tmp_path / ".mesh")},
    }


def test_a_store_in_s3_is_named_unchanged() -> None:
    entry = mcp_entry("claude", estate=Path("estate.yaml"), store="s3://bucket/mesh")
    assert entry["mcpServers"]["mesh-assets"]["env"]["MESH_STORE"] == "s3://bucket/mesh"


def test_other_servers_stay_and_a_different_entry_is_replaced_only_by_force() -> None:
    entry = mcp_entry("claude", estate=Path("estate.yaml"), store=".mesh")
    text = json.dumps({"mcpServers": {"other": {"command": "x"}}, "more": 1})
    merged = merged_mcp(text, entry, source=".mcp.json")
    assert json.loads(merged) == {"mcpServers": {"other": {"command": "x"}, **entry["mcpServers"]}, "more": 1}
    assert merged_mcp(merged, entry, source=".mcp.json") == merged
    another = mcp_entry("claude", estate=Path("other.yaml"), store=".mesh")
    with pytest.raises(
        ConfigurationError, match=r"^\.mcp\.json already has a server mesh-assets; --force replaces it$"
    ):
        merged_mcp(merged, another, source=".mcp.json")
    assert (
        json.loads(merged_mcp(merged, another, source="x", force=True))["mcpServers"]["mesh-assets"]
        == another["mcpServers"]["mesh-assets"]
    )
    assert merged_mcp(None, entry, source="x") == entry_json(entry)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{ // mine\n}", "is not plain JSON"),
        ("[]", "has an unexpected form"),
        ('{"mcpServers": []}', "has an unexpected form"),
    ],
)
def test_an_unreadable_file_is_left_alone(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        merged_mcp(text, mcp_entry("claude", estate=Path("estate.yaml"), store=".mesh"), source=".mcp.json")
