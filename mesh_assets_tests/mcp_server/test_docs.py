from pathlib import Path

from mesh_assets.mcp_server.docs import with_reference

PAGE = Path(__file__).parents[2] / "docs" / "mcp.md"


def test_the_page_describes_what_the_server_offers() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_reference(page) == page, "run: python -m mesh_assets.mcp_server.docs docs/mcp.md"
