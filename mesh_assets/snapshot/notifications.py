"""Notifies people of severe changes: optional, after publishing, and never in its way."""

import logging
from collections.abc import Callable, Iterator, Sequence

from mesh_assets.errors import MeshError
from mesh_assets.estate.model import Estate, Notifications, SnsNotifications
from mesh_assets.importing import importing
from mesh_assets.inventory.changes import Change, Severity, change_line, headline_changes
from mesh_assets.inventory.wording import one_line, plural, shortened
from mesh_assets.platforms.http.webhook import Webhook
from mesh_assets.platforms.secrets import resolve
from mesh_assets.snapshot.report import OUTSIDE, DiscoveryReport

logger = logging.getLogger(__name__)

SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")

_SENTENCE_CHARACTERS = 300
# Slack cuts off at 40,000 characters and asks for fewer than 4,000; nobody reads more.
_TEXT_CHARACTERS = 3_500

Escape = Callable[[str], str]
OpenWebhook = Callable[[str], Webhook]


def severe_changes(changes: Sequence[Change], *, least: Severity) -> tuple[Change, ...]:
    """Those of the changes, as a person counts them, that are at least that severe; the most severe first."""
    wanted = SEVERITIES[SEVERITIES.index(least) :]
    severe = [change for change in headline_changes(changes) if change.severity in wanted]
    return tuple(sorted(severe, key=lambda change: -SEVERITIES.index(change.severity)))


def notification_text(
    settings: Notifications, report: DiscoveryReport, severe: Sequence[Change], *, escape: Escape = str
) -> str:
    """The estate's template with its values, of bounded length. `escape` makes a value harmless for the
    text's destination."""
    shown = [
        f"- {shortened(one_line(change_line(change)), _SENTENCE_CHARACTERS)}"
        for change in severe[: settings.sentences]
    ]
    if len(severe) > len(shown):
        shown.append(f"- and {len(severe) - len(shown)} more")
    link = settings.link.format(run_id=report.run_id, cluster=report.cluster, sequence=report.sequence)
    if "{run_id}" in settings.link and report.run_id.startswith(OUTSIDE):
        link = ""  # Dagster has no page for a run that it did not make
    values = {
        "cluster": report.cluster,
        "cluster_id": report.cluster_id,
        "count": str(len(severe)),
        "changes": plural(len(severe), "change"),
        "sentences": "\n".join(shown),
        "sequence": str(report.sequence),
        "trigger": str(report.trigger),
        "link": link,
    }
    text = settings.template.format(**{name: escape(value) for name, value in values.items()}).strip()
    return shortened(text, _TEXT_CHARACTERS)


def subject(report: DiscoveryReport, severe: Sequence[Change]) -> str:
    return f"{report.cluster}: {len(severe)} severe {plural(len(severe), 'change')}"


def slack_escape(text: str) -> str:
    """Slack reads `<!channel>` and `<url|text>` as commands. It asks for exactly these three characters to be
    escaped.

    https://docs.slack.dev/messaging/formatting-message-text/#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def notify(
    estate: Estate, report: DiscoveryReport, changes: Sequence[Change], *, webhook: OpenWebhook = Webhook
) -> tuple[str, ...]:
    """Sends the changes that are severe enough to the estate's channels; one sentence, already logged, for
    each channel that failed.

    Call it after publishing. It cannot change the result: it raises nothing and takes at most half a minute
    per channel, usually well under a second. Each change is sent at most once; a run that dies before this
    has sent nothing.
    """
    settings = estate.notifications
    if settings.sns is None and settings.webhook_url is None:
        return ()
    severe = severe_changes(changes, least=settings.severity)
    if not severe:
        return ()
    warnings = []
    for name, send in _channels(estate, report, severe, webhook):
        try:
            send()
        except MeshError as error:
            warnings.append(f"{subject(report, severe)} not sent to {name}: {error}")
            logger.warning(warnings[-1])
        else:
            logger.info("%s sent to %s", subject(report, severe), name)
    return tuple(warnings)


def _channels(
    estate: Estate, report: DiscoveryReport, severe: Sequence[Change], webhook: OpenWebhook
) -> Iterator[tuple[str, Callable[[], None]]]:
    settings = estate.notifications
    if settings.sns is not None:
        sns = settings.sns
        yield (
            "SNS",
            lambda: _publish(sns, notification_text(settings, report, severe), subject(report, severe)),
        )
    if settings.webhook_url is not None:
        reference = settings.webhook_url
        # The secret is resolved only now.
        yield (
            "the webhook",
            lambda: webhook(resolve(reference)).post(
                notification_text(settings, report, severe, escape=slack_escape)
            ),
        )


def _publish(settings: SnsNotifications, text: str, title: str) -> None:
    # boto3 is heavy, and needed only where a topic is configured.
    with importing:
        from mesh_assets.platforms.aws.messaging import SnsTopic

    SnsTopic(settings.topic_arn, region=settings.region, endpoint_url=settings.endpoint_url).publish(
        text, subject=title
    )
