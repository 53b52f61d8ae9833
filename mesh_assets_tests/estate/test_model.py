import pytest

from mesh_assets.errors import EstateError
from mesh_assets.estate.file import parse_estate

CLUSTERS = 'clusters:\n  warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1"}}\n'


def finding(text: str) -> str:
    with pytest.raises(EstateError) as caught:
        parse_estate(CLUSTERS + text, source="estate.yaml")
    return str(caught.value)


def test_without_settings_there_is_no_queue_and_no_notification() -> None:
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
def test_a_template_holds_only_existing_fields(template: str) -> None:
    assert "is not a field here; expected text with {cluster}, {cluster_id}" in finding(
        f'notifications: {{template: "{template}"}}'
    )


def test_a_malformed_template_is_an_error() -> None:
    assert "expected text with {run_id}, {cluster}, {sequence}" in finding(
        'notifications: {link: "https://x.test/{run_id"}'
    )


def test_a_queue_is_named_by_its_address() -> None:
    assert "triggers.queue_url" in finding("triggers: {queue_url: discovery-agent-triggers}")


def connect_names(*endpoints: str) -> list[str | None]:
    text = CLUSTERS.rstrip().removesuffix("}") + f", connect: [{', '.join(endpoints)}]}}\n"
    cluster = parse_estate(text, source="estate.yaml").clusters["warehouse"]
    return [endpoint.name for endpoint in cluster.named_connect]


ONE = '{kind: kafka_connect, url: "http://one:8083"}'
OTHER = '{kind: kafka_connect, url: "http://other:8083"}'
MSK = "{kind: msk_connect}"


def test_an_only_endpoint_is_called_by_its_kind_and_several_by_their_names_in_the_estate() -> None:
    assert connect_names(ONE, MSK) == ["kafka_connect", "msk_connect"]
    assert connect_names(ONE, OTHER) == [None, None]
    assert connect_names(ONE.replace("url", "name: main, url"), OTHER) == ["main", None]


def test_no_two_endpoints_share_a_name() -> None:
    with pytest.raises(
        EstateError, match="connect has two endpoints called 'msk_connect'; give each its own name"
    ):
        connect_names(ONE.replace("url", "name: msk_connect, url"), MSK)


def test_an_endpoints_name_holds_no_slash() -> None:
    with pytest.raises(EstateError, match="name"):
        connect_names(ONE.replace("url", "name: a/b, url"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "clusters: {a: {kafka: {bootstrap_servers: 'b:1'}}}\n\x01",
            "not YAML: it does not allow character 52",
        ),
        ("clusters: []", "clusters: expected names and values"),
        (
            "clusters: {a: {kafka: {bootstrap_servers: 9092}}}",
            "bootstrap_servers: expected text; put it in quotes",
        ),
        (
            "clusters: {a: {kafka: {bootstrap_servers: 'b:1'}, topics: {exclude: 'tmp-*'}}}",
            "topics.exclude: expected a list: [a, b]",
        ),
        (
            "clusters: {a: {kafka: {bootstrap_servers: 'b:1'}, connect: {kind: kafka_connect}}}",
            "connect: expected a list: [a, b]",
        ),
        ("clusters: {a: {kafka: {bootstrap_servers: 'SASL_SSL://b:1'}}}", "belongs in security_protocol"),
        ("clusters: {a: {kafka: {bootstrap_servers: 'b:1 c:1'}}}", "separate several with commas"),
    ],
)
def test_faults_of_a_generated_estate_use_the_words_of_the_file(text: str, expected: str) -> None:
    with pytest.raises(EstateError) as refused:
        parse_estate(text, source="e")

    assert expected in str(refused.value)
    assert "Input should" not in str(refused.value)


def test_several_brokers_with_commas_and_blanks_are_accepted() -> None:
    text = "clusters: {a: {kafka: {bootstrap_servers: 'b:1, c:1 ,${D}:1'}}}"
    assert parse_estate(text, source="e").clusters["a"].kafka.bootstrap_servers == "b:1, c:1 ,${D}:1"
