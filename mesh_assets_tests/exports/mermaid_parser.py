"""Mermaid's own parser: npm's package `@mermaid-js/tiny`, Mermaid without its heaviest diagrams in one file, in a document of jsdom's."""

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from mesh_assets.inventory.records import Record
from mesh_assets_tests import node

_VERSION = "12.0.0"
_INTEGRITY = "ZW9YXy+3tSLPscBT+NnQO0K0qYH7BGES5nExl6Snoygey7xd2N0cO7Nq30N5k/u7gIeYoCrldyVy+VTCMWrNDQ=="
_SCRIPT = """
const [modules, library, texts] = process.argv.slice(1);
const { JSDOM } = require(`${modules}/jsdom`);
const fs = require('fs');
const { window } = new JSDOM('<body></body>', { runScripts: 'dangerously' });
const script = window.document.createElement('script');
script.textContent = fs.readFileSync(library, 'utf8');
window.document.body.append(script);
const { mermaid } = window;
mermaid.initialize({ startOnLoad: false, maxTextSize: 50000, maxEdges: 500 });
const read = async (text) => {
  try {
    const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
    return {
      boxes: [...db.getVertices().values()].map(one => [one.id, one.type, one.labelType, one.text]),
      arrows: db.getEdges().map(one => [one.start, one.end]),
      frames: db.getSubGraphs().map(one => [one.title, one.nodes]),
    };
  } catch (error) {
    return { refused: String(error.message ?? error) };
  }
};
(async () => {
  const found = [];
  for (const text of JSON.parse(fs.readFileSync(texts, 'utf8'))) found.push(await read(text));
  console.log(JSON.stringify(found));
})();
"""


class Drawing(Record, frozen=True, kw_only=True):
    """What Mermaid read. `boxes`: id → shape, kind of label and label; `arrows`: from, to; `frames`: title and ids
    within. Labels as a reader sees them."""

    boxes: Mapping[str, tuple[str, str, str]]
    arrows: tuple[tuple[str, str], ...]
    frames: tuple[tuple[str, frozenset[str]], ...]


def read_drawings(texts: Sequence[str], folder: Path) -> list[Drawing | str]:
    """What Mermaid reads in each flowchart, or its error."""
    library = node.file_of_package("@mermaid-js/tiny", _VERSION, _INTEGRITY, "package/dist/mermaid.tiny.js")
    written = folder / "texts.json"
    written.write_text(json.dumps(texts), encoding="utf-8")
    found = node.run(_SCRIPT, node.packages(), library, written)
    return [
        one["refused"]
        if "refused" in one
        else Drawing(
            boxes={box: (shape, kind, _seen(label)) for box, shape, kind, label in one["boxes"]},
            arrows=tuple((source, target) for source, target in one["arrows"]),
            frames=tuple((_seen(title), frozenset(within)) for title, within in one["frames"]),
        )
        for one in found
    ]


def _seen(label: str) -> str:
    """Between reading and drawing, Mermaid keeps `&#34;` as `\\ufb02\\u00b0\\u00b034\\u00b6\\u00df`."""
    return " ".join(
        html.unescape(label.replace("\ufb02\u00b0\u00b0", "&#").replace("\u00b6\u00df", ";")).split()
    )
