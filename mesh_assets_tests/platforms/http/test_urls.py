"""Names become part of a path and back, whatever they are."""

from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.platforms.http import path_segment
from mesh_assets.platforms.http.transport import parse_base_url


@given(st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_a_name_reaches_the_server_as_one_segment(name: str) -> None:
    path = httpx.URL(f"http://h/subjects/{path_segment(name)}/versions").raw_path.decode()
    assert [unquote(part) for part in path.split("/")] == ["", "subjects", name, "versions"]


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("a/b c", "a%2Fb%20c"),
        (":.ctx:a", ":.ctx:a"),
        ("..", "%2E%2E"),
        ("a.b", "a.b"),
        ("50%+é", "50%25%2B%C3%A9"),
    ],
)
def test_reserved_characters_are_escaped(name: str, segment: str) -> None:
    assert path_segment(name) == segment


@pytest.mark.parametrize(
    ("text", "shown", "loopback"),
    [
        ("http://127.0.0.1:8081/apis/ccompat/v7/", "http://127.0.0.1:8081/apis/ccompat/v7", True),
        ("https://u:p@h.test", "https://h.test", False),
        ("http://[::1]:80", "http://[::1]:80", True),
        ("http://localhost", "http://localhost", True),
    ],
)
def test_an_address_is_shown_without_its_private_parts(text: str, shown: str, loopback: bool) -> None:
    base = parse_base_url(text, name="x")
    assert (base.shown, base.is_loopback) == (shown, loopback)
    assert "p@" not in repr(base)
