import pytest

from mesh_assets.errors import EstateError
from mesh_assets.estate.file import parse_estate

CLUSTERS = 'clusters:\n  warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1"}}\n'


def finding(text: str) -> str:
    with pytest.raises(EstateError) as caught:
        parse_estate(CLUSTERS + text, source="estate.yaml")
    return str(caught.value)


def test_without_them_there_is_no_queue_and_nobody_is_notified() -> None:
    estate = parse_estate(CLUSTERS, source="estate.yaml")

    assert estate.triggers is None
    assert (estate.notifications.sns, estate.notifications.webhook_url) == (None, None)


def test_a_webhook_must_be_named_not_written() -> None:
    message = finding('notifications: {webhook_url: "https://hooks.slack.test/services/s3cr3t"}')

    assert message.startswith(
        "estate.yaml:3: notifications.webhook_url: a secret must be named, not written here"
    )
    assert "s3cr3t" not in message


@pytest.mark.parametrize(
    "template", ["{cluster.__class__}", "{cluster[0]}", "{cluster!r}", "{cluster:>99999}", "{what}", "{}"]
)
def test_a_template_holds_only_the_fields_there_are(template: str) -> None:
    assert "is not a field here; expected text with {cluster}, {cluster_id}" in finding(
        f'notifications: {{template: "{template}"}}'
    )


def test_a_malformed_template_is_an_error() -> None:
    assert "expected text with {run_id}, {cluster}, {sequence}" in finding(
        'notifications: {link: "https://x.test/{run_id"}'
    )


def test_a_queue_is_named_by_its_address() -> None:
    assert "triggers.queue_url" in finding("triggers: {queue_url: discovery-agent-triggers}")
