"""The table of metrics in docs/service.md is that of the code."""

import re
from pathlib import Path

from mesh_assets.service.families import FAMILIES

NOTHING = "\N{EN DASH}"
PAGE = Path(__file__).parents[2] / "docs/service.md"


def test_the_page_lists_every_metric_with_its_labels_and_what_it_says() -> None:
    expected = [
        f"| `{one.name}` | {', '.join(f'`{label}`' for label in one.labels) or NOTHING} | {one.help} |"
        for one in FAMILIES
    ]
    found = re.findall(r"^\| `mesh_.+$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert found == expected, "\n".join(("write these rows:", *expected))
