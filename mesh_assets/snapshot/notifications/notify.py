"""Sending a notification: to each channel that is configured; one that fails is a warning, and the others
still get it."""

import logging
from collections.abc import Callable, Iterator, Sequence

from mesh_assets.errors import MeshError
from mesh_assets.estate.model import Estate, SnsNotifications
from mesh_assets.inventory.changes import Change
from mesh_assets.platforms.http.webhook import Webhook
from mesh_assets.platforms.secrets import resolve
from mesh_assets.snapshot.notifications.text import notification_text, severe_changes, slack_escape, subject
from mesh_assets.snapshot.report import DiscoveryReport

logger = logging.getLogger(__name__)

OpenWebhook = Callable[[str], Webhook]


def notify(
    estate: Estate, report: DiscoveryReport, changes: Sequence[Change], *, webhook: OpenWebhook = Webhook
) -> tuple[str, ...]:
    """Tells the estate's channels of the changes that are severe enough; a sentence for each channel not
    told, logged already.

    To be called after publishing, whose result it cannot change: raises nothing, and is bounded (half a
    minute a channel, as a rule well below a second). Each change is told at most once: a run that dies
    between publishing and here has told nobody.
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
            warnings.append(f"{subject(report, severe)} not told to {name}: {error}")
            logger.warning(warnings[-1])
        else:
            logger.info("%s told to %s", subject(report, severe), name)
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
        # The secret is resolved here and not before.
        yield (
            "the webhook",
            lambda: webhook(resolve(reference)).post(
                notification_text(settings, report, severe, escape=slack_escape)
            ),
        )


def _publish(settings: SnsNotifications, text: str, title: str) -> None:
    from mesh_assets.platforms.aws.messaging import (
        SnsTopic,  # boto3 is heavy, and only needed where a topic is configured
    )

    SnsTopic(settings.topic_arn, region=settings.region, endpoint_url=settings.endpoint_url).publish(
        text, subject=title
    )
