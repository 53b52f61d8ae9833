"""The page: one HTML file that contains its data, styles and scripts, and may not load or run anything
else."""

import base64
import gzip
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from mesh_assets.analysis.change_history import ChangeAt
from mesh_assets.costs.text import HEADS
from mesh_assets.findings.finding import SEVERITIES, Finding, count_muted, shown_findings
from mesh_assets.findings.kinds import KINDS
from mesh_assets.importing import importing, without_collector
from mesh_assets.inventory.changes import change_line
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.wording import brief_sentence, counted, plural, readable
from mesh_assets.report.content import Report, told_of
from mesh_assets.report.data import page_data
from mesh_assets.report.product_lines import product_lines, taker_lines
from mesh_assets.store.inventories import InventoryStore

if TYPE_CHECKING:
    from jinja2 import Template

KEY = "analysis/report.html"
SCRIPTS = ("data", "show", "walk", "draw", "table", "lists", "thing", "mesh", "main")
_FINDINGS_OF_A_KIND = 5
_CHANGES = 25
_PAGES = {"topic": "topic", "connector": "connector", "consumer_group": "group", "schema": "schema"}
_FAILED = """.catch((error) => {
  const failed = document.getElementById("failed");
  failed.hidden = false;
  failed.textContent = `Lineage, tables and pages of topics cannot be shown (${error}); open the page in a current browser.`;
  throw error;
})"""
# For 9,000 topics, level 9 takes 0.46 s of CPU for a page of 1.40 MB, this one 0.11 s for 1.44 MB.
_COMPRESSION = 6
_SOURCE_MAP = "\n//# sourceMappingURL"


class KindGroup(Record, frozen=True, kw_only=True):
    """The findings of one kind, worst first. `more`: how many there are besides those shown."""

    kind: str
    words: str
    severity: str
    count: int
    advice: str
    findings: tuple[Finding, ...]
    more: int


class ChangedAt(Record, frozen=True, kw_only=True):
    cluster: str
    moment: datetime
    at: ChangeAt


@without_collector()
def render_report(report: Report) -> str:
    """The whole HTML. Names and texts of the estate are escaped, and can neither run nor load anything: the
    page's policy (CSP) admits only its own script and style, by their hashes."""
    data = msgspec.json.encode(page_data(report)).decode()
    shown = shown_findings(report.findings)
    script, style = _script(), _static("report.css")
    changes = list(_changes(report))
    clusters = frozenset(report.mesh.documents)
    html = _template().render(
        report=report,
        products=product_lines(report.products, clusters),
        takers=tuple(taker_lines(report.products, clusters)),
        drivers=tuple(HEADS.values()),
        documents=list(report.mesh.documents.values()),
        shown=shown,
        severities={one: sum(1 for finding in shown if finding.severity == one) for one in SEVERITIES},
        muted=count_muted(report.findings),
        kinds=list(_kinds(shown)),
        changes=changes[:_CHANGES],
        changed=len(changes),
        compared=any(one.documents > 1 for one in report.changes.values()),
        policy=_policy(script, style),
        data=_packed(data),
        script=script,
        style=style,
    )
    return str(html)


def _packed(data: str) -> str:
    """As gzip in base64: a fifth of the size, with nothing that could be taken for markup."""
    return base64.b64encode(gzip.compress(readable(data).encode(), _COMPRESSION, mtime=0)).decode()


def keep_report(store: InventoryStore, html: str) -> str:
    """Keeps the page next to the results of the analyses, replacing the previous one; returns its location,
    for people. Raises StoreError."""
    store.objects.put(KEY, html.encode())
    return store.objects.location(KEY)


def _kinds(shown: tuple[Finding, ...]) -> Iterator[KindGroup]:
    for kind in dict.fromkeys(one.kind for one in shown):
        of_kind = [one for one in shown if one.kind == kind]
        yield KindGroup(
            kind=kind,
            words=kind.replace("_", " ").capitalize(),
            severity=of_kind[0].severity,
            count=len(of_kind),
            advice=KINDS[kind].advice,
            findings=tuple(of_kind[:_FINDINGS_OF_A_KIND]),
            more=max(0, len(of_kind) - _FINDINGS_OF_A_KIND),
        )


def _changes(report: Report) -> Iterator[ChangedAt]:
    every = [
        ChangedAt(cluster=name, moment=at.moment, at=at)
        for name, history in report.changes.items()
        for at in history.changes
    ]
    yield from sorted(every, key=lambda one: one.moment, reverse=True)


def _policy(script: str, style: str) -> str:
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _script() -> str:
    """Our scripts in one scope, after the library that lays out graphs, with its licence."""
    library = _static("dagre.min.js").split(_SOURCE_MAP)[0]
    own = "\n".join(_static(f"{name}.js") for name in SCRIPTS)
    return f'/*! dagre\n{_static("dagre.LICENSE.txt")}*/\n{library}\n(async () => {{\n"use strict";\n{own}\n}})(){_FAILED};\n'


@cache
def _static(name: str) -> str:
    return files("mesh_assets.report").joinpath("static", name).read_text(encoding="utf-8")


@cache
def _template() -> "Template":
    with importing:
        from jinja2 import Environment, StrictUndefined  # needed only when making a page

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters.update(
        moment=_moment,
        number=_number,
        counted=counted,
        plural=plural,
        brief=brief_sentence,
        address=_address,
        figures=_figures,
        told=told_of,
        change_line=change_line,
        part=lambda text: quote(text, safe=""),
    )
    return environment.from_string(_static("report.html.jinja"))


def _shown(value: Any) -> Any:
    """Invisible characters in names are shown as U+FFFD; scripts and styles are left as they are."""
    return readable(value) if type(value) is str else value


def _moment(moment: datetime | None) -> str:
    return "unknown" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _number(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"


def _address(finding: Finding) -> str | None:
    """Where the page shows the thing that a finding is about."""
    page = _PAGES.get(finding.resource_type)
    if page is None:
        return None
    parts = [finding.cluster, finding.resource, *([finding.connect] if finding.shares_name else [])]
    return "/".join([f"#{page}", *(quote(part or "", safe="") for part in parts)])


def _figures(finding: Finding) -> list[tuple[str, str]]:
    """The evidence in words."""
    return [(name.replace("_", " "), _figure(value)) for name, value in finding.evidence.items()]


def _figure(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ", ".join(value) if isinstance(value, tuple) else str(value)
    return f"{value:,}"
