"""Mappings in lineage: of the right cluster, cached for a while, and unknown instead of none when unreadable."""

from collections.abc import Callable

import pytest

from mesh_assets.answering.known_mappings import KnownMappings
from mesh_assets_tests.esm.fake_aws import CLUSTER_ARN, FakeAws, refusal
from mesh_assets_tests.mcp_server.served import ESTATE, Served, today

ACCOUNTS = "esm:\n  accounts:\n    - {region: eu-central-1}\n"
SELF_MANAGED = {"SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["127.0.0.1:1"]}}}


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


@pytest.fixture
def make_wired(aws: FakeAws, make_served: Callable[..., Served]) -> Callable[..., tuple[Served, list[float]]]:
    """A server whose estate names the fake account, and its clock."""

    def make(estate: str = ESTATE + ACCOUNTS) -> tuple[Served, list[float]]:
        now = [0.0]
        served = make_served(today(), estate=estate)
        known = served.known
        known.mappings = KnownMappings(
            lambda: known.estate, open_access=lambda _: aws.account(), clock=lambda: now[0]
        )
        return served, now

    return make


def test_a_topic_leads_to_the_function_that_reads_it(
    aws: FakeAws, make_wired: Callable[..., tuple[Served, list[float]]]
) -> None:
    uuid = aws.add_mapping("bill-orders", "orders", **SELF_MANAGED, State="Disabled")
    lineage = make_wired()[0].answer("get_lineage", topic="orders", direction="downstream")
    assert f"event source mapping {uuid}" in lineage["downstream"]["1"]
    assert "function bill-orders" in lineage["downstream"]["2"]
    assert {edge["by"] for edge in lineage["edges"] if edge["source"] == f"event source mapping {uuid}"} == {
        "event source mapping, Disabled"
    }
    assert lineage["about"]["notes"] == []


def test_a_topic_of_the_same_name_in_another_cluster_does_not_count(
    aws: FakeAws, make_wired: Callable[..., tuple[Served, list[float]]]
) -> None:
    aws.add_mapping("bill-orders", "orders", EventSourceArn=CLUSTER_ARN)
    lineage = make_wired()[0].answer("get_lineage", topic="orders", direction="downstream")
    assert not [edge for edge in lineage["edges"] if "mapping" in edge["by"]]
    [note] = lineage["about"]["notes"]
    assert "1 event source mappings of eu-central-1 are left out because the estate has no cluster" in note


def test_mappings_are_listed_only_occasionally_and_a_failure_is_noted_and_retried(
    aws: FakeAws, make_wired: Callable[..., tuple[Served, list[float]]]
) -> None:
    served, now = make_wired()
    aws.add_mapping("bill-orders", "orders", **SELF_MANAGED)
    aws.failing["lambda.list_event_source_mappings"] = [
        refusal("AccessDeniedException", "not authorized", 403)
    ]
    [note] = served.answer("get_lineage", topic="orders")["about"]["notes"]
    assert "could not be listed" in note
    assert "lambda:ListEventSourceMappings" in note
    for now[0] in (31.0, 200.0, 330.0, 332.0):
        assert "function bill-orders" in served.answer("get_lineage", topic="orders")["downstream"]["2"]
    assert len(aws.asked("lambda.list_event_source_mappings")) == 3


@pytest.mark.parametrize("esm", ["", "esm: {secrets: ['AmazonMSK_*']}\n"])
def test_lineage_says_that_mappings_are_unknown_without_accounts(
    aws: FakeAws, make_wired: Callable[..., tuple[Served, list[float]]], esm: str
) -> None:
    [note] = make_wired(ESTATE + esm)[0].answer("get_lineage", topic="orders")["about"]["notes"]
    assert "esm: {accounts" in note
    assert aws.calls == []
