"""The queue that starts discoveries, and who is told of severe changes."""

from collections.abc import Callable
from string import Formatter
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from mesh_assets.estate.fields import EstateModel, SecretReference


class QueueTriggers(EstateModel):
    """The SQS queue whose messages start discoveries. Credentials are boto3's own (environment, profile, role
    of the machine).

    `region` None: that in the queue's address, else boto3's own. `dead_letter_queue_url` None: what cannot be
    understood is left to the queue's own redrive. `endpoint_url`: for a stand-in or a VPC endpoint.
    """

    queue_url: str = Field(pattern=r"^https?://")
    region: str | None = None
    dead_letter_queue_url: str | None = Field(default=None, pattern=r"^https?://")
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://")


class SnsNotifications(EstateModel):
    """`region` None: that in the ARN."""

    topic_arn: str = Field(pattern=r"^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:\S+$")
    region: str | None = None
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://")


TEMPLATE_FIELDS = ("cluster", "cluster_id", "count", "changes", "sentences", "sequence", "trigger", "link")
LINK_FIELDS = ("run_id", "cluster", "sequence")


def _only_fields(names: tuple[str, ...]) -> Callable[[str], str]:
    """A check that a template holds no other fields, and these without attributes, indices and formats."""

    def check(text: str) -> str:
        expected = (
            "expected text with " + ", ".join(f"{{{name}}}" for name in names) + " ({{ and }} for braces)"
        )
        try:
            parts = list(Formatter().parse(text))
        except ValueError as error:
            raise ValueError(expected) from error
        for _, field, spec, conversion in parts:
            if field is not None and (field not in names or spec or conversion):
                raise ValueError(f"{{{field}}} is not a field here; {expected}")
        return text

    return check


class Notifications(EstateModel):
    """Who is told of severe changes, and how. Off unless a topic or a webhook is named.

    `webhook_url` is a secret: whoever has a Slack webhook's address can write there. `template` is filled
    with `{cluster}`, `{cluster_id}`, `{count}`, `{changes}` (the word), `{sentences}`, `{sequence}`,
    `{trigger}` and `{link}`; `link` with `{run_id}`, `{cluster}` and `{sequence}`.
    """

    severity: Literal["info", "warning", "critical"] = "critical"
    sns: SnsNotifications | None = None
    webhook_url: SecretReference | None = None
    template: Annotated[str, AfterValidator(_only_fields(TEMPLATE_FIELDS))] = (
        "{cluster}: {count} severe {changes}\n{sentences}\n{link}"
    )
    link: Annotated[str, AfterValidator(_only_fields(LINK_FIELDS))] = ""
    sentences: int = Field(default=10, ge=1, le=50)
