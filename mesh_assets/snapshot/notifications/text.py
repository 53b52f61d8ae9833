"""What a notification says: the estate's template, filled."""

from collections.abc import Callable, Sequence

from mesh_assets.diff import change_line, headline_changes
from mesh_assets.estate.model import Notifications
from mesh_assets.inventory.changes import Change, Severity
from mesh_assets.snapshot.report import DiscoveryReport

SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")

_SENTENCE_CHARACTERS = 300
# Slack cuts a text off at 40,000 and asks for less than 4,000; nobody reads more.
_TEXT_CHARACTERS = 3_500

Escape = Callable[[str], str]


def severe_changes(changes: Sequence[Change], *, least: Severity) -> tuple[Change, ...]:
    """The changes a person counts that are at least that severe, the most severe first."""
    wanted = SEVERITIES[SEVERITIES.index(least) :]
    severe = [change for change in headline_changes(changes) if change.severity in wanted]
    return tuple(sorted(severe, key=lambda change: -SEVERITIES.index(change.severity)))


def notification_text(
    settings: Notifications, report: DiscoveryReport, severe: Sequence[Change], *, escape: Escape = str
) -> str:
    """The template filled; `escape` makes a value harmless where the text goes. Bounded."""
    shown = [f"- {_shortened(change_line(change))}" for change in severe[: settings.sentences]]
    if len(severe) > len(shown):
        shown.append(f"- and {len(severe) - len(shown)} more")
    link = settings.link.format(run_id=report.run_id, cluster=report.cluster, sequence=report.sequence)
    values = {
        "cluster": report.cluster,
        "cluster_id": report.cluster_id,
        "count": str(len(severe)),
        "changes": "change" if len(severe) == 1 else "changes",
        "sentences": "\n".join(shown),
        "sequence": str(report.sequence),
        "trigger": str(report.trigger),
        "link": link,
    }
    text = settings.template.format(**{name: escape(value) for name, value in values.items()}).strip()
    return text if len(text) <= _TEXT_CHARACTERS else text[: _TEXT_CHARACTERS - 1] + "…"


def subject(report: DiscoveryReport, severe: Sequence[Change]) -> str:
    return f"{report.cluster}: {len(severe)} severe {'change' if len(severe) == 1 else 'changes'}"


def slack_escape(text: str) -> str:
    """Slack reads `<!channel>` and `<url|text>` as commands; these three characters are all it asks to have
    escaped.

    https://docs.slack.dev/messaging/formatting-message-text/#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _shortened(line: str) -> str:
    one = " ".join(line.split())
    return one if len(one) <= _SENTENCE_CHARACTERS else one[: _SENTENCE_CHARACTERS - 1] + "…"
