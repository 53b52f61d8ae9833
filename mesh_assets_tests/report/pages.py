"""Reads a report as a browser would: its elements, its texts, and its data."""

import base64
import gzip
import hashlib
import json
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

from mesh_assets.report.page import SCRIPTS


class Page(HTMLParser):
    """`elements`: every start tag with its attributes, in order. `raw`: the content of each script and style.
    `texts`: all other text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[str, dict[str, str | None], str]] = []
        self.texts: list[str] = []
        self._within: tuple[str, dict[str, str | None]] | None = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._within = (tag, dict(attrs)) if tag in ("script", "style") else None

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._within = None

    def handle_data(self, data: str) -> None:
        if self._within is None:
            self.texts.append(data)
        else:
            self.raw.append((*self._within, data))

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    @property
    def policy(self) -> str:
        [policy] = [
            attributes["content"]
            for tag, attributes in self.elements
            if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
        ]
        return policy or ""

    @property
    def scripts(self) -> list[str]:
        return [text for tag, attributes, text in self.raw if tag == "script" and "type" not in attributes]

    @property
    def data(self) -> dict[str, Any]:
        [packed] = [text for _, attributes, text in self.raw if attributes.get("id") == "data"]
        found: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(packed)))
        return found

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows as the page's script sees them: with texts in place of their numbers."""
        data = self.data
        columns = data["columns"][table]
        found = []
        for row in data["tables"][table]:
            one = {}
            for name, value in zip(columns, row, strict=True):
                if name.endswith("_text"):
                    one[name.removesuffix("_text")] = None if value < 0 else data["texts"][value]
                else:
                    one[name] = value
            found.append(one)
        return found


def source(text: str) -> str:
    """The form that a content policy accepts."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def static(name: str) -> str:
    return files("mesh_assets.report").joinpath("static", name).read_text(encoding="utf-8")


def own_scripts() -> dict[str, str]:
    return {name: static(f"{name}.js") for name in SCRIPTS}
