"""What agents learn about brokers."""

from collections.abc import Callable

from msgspec.structs import replace

from mesh_assets.inventory.broker_records import (
    BrokerConfig,
    BrokerConfigs,
    Brokers,
    ClusterBroker,
    Feature,
    Features,
)
from mesh_assets_tests.documents import a_document, some_brokers
from mesh_assets_tests.mcp_server.served import Served

MakeServed = Callable[..., Served]


def test_brokers_come_with_controller_features_quorum_and_configs_that_someone_set(
    make_served: MakeServed,
) -> None:
    answer = make_served(a_document(brokers=some_brokers())).answer("describe_brokers")
    assert answer["brokers"] == [
        {"id": 1, "address": "one:9092", "rack": "a", "fenced": False},
        {"id": 2, "address": "two:9092", "fenced": False},
    ]
    assert (answer["controller"], answer["features"]) == (1, {"metadata.version": 25})
    assert answer["quorum"]["observers"] == [{"id": 2, "lag_records": 2}]
    assert [(one["name"], one["value"], one["brokers"]) for one in answer["configs"]] == [
        ("log.dirs", "/data", [1]),
        ("log.dirs", "/disk", [2]),
    ]
    assert "hint" not in answer


def test_defaults_come_on_request_and_secrets_never(make_served: MakeServed) -> None:
    configs = BrokerConfigs(
        brokers=(1,),
        entries=(
            BrokerConfig(name="log.retention.ms", value="1000", source="dynamic_cluster"),
            BrokerConfig(name="num.io.threads", value="8", source="default"),
            BrokerConfig(name="ssl.key.password", value=None, source="static", sensitive=True),
        ),
        cluster_wide={"log.retention.ms": "1000"},
    )
    served = make_served(a_document(brokers=some_brokers(configs=configs)))
    of_somebody = served.answer("describe_brokers")["configs"]
    assert [one["name"] for one in of_somebody] == ["log.retention.ms", "ssl.key.password"]
    assert of_somebody[1] == {"name": "ssl.key.password", "source": "static", "sensitive": True}
    of_a_name = served.answer("describe_brokers", configs="num.*")["configs"]
    assert of_a_name == [{"name": "num.io.threads", "value": "8", "source": "default"}]


def test_unread_parts_are_left_out_with_the_reason(make_served: MakeServed) -> None:
    unknown = {"configs": "CLUSTER_AUTHORIZATION_FAILED", "quorum": "the broker has no DescribeQuorum"}
    told = some_brokers(configs=None, quorum=None, features=None, controller=None, unknown=unknown)
    answer = make_served(a_document(brokers=told)).answer("describe_brokers")
    assert answer["unknown"] == unknown
    assert answer.keys() & {"configs", "quorum", "features", "controller"} == set()
    assert [one["id"] for one in answer["brokers"]] == [1, 2]


def test_a_feature_without_an_agreed_level_has_none(make_served: MakeServed) -> None:
    features = Features(
        epoch=3,
        broker=1,
        features=(
            Feature(name="kraft.version", level=None, minimum=0, maximum=1),
            Feature(name="metadata.version", level=25, minimum=7, maximum=29),
        ),
    )
    answer = make_served(a_document(brokers=some_brokers(features=features))).answer("describe_brokers")
    assert answer["features"] == {"kraft.version": None, "metadata.version": 25}


def test_no_configs_set_gives_an_empty_list(make_served: MakeServed) -> None:
    empty = BrokerConfigs(brokers=(1,), entries=(), cluster_wide={})
    answer = make_served(a_document(brokers=some_brokers(configs=empty))).answer("describe_brokers")
    assert answer["configs"] == []


def test_a_sentence_explains_that_nothing_was_read_yet(make_served: MakeServed) -> None:
    assert "nothing is known about the brokers of" in make_served(a_document()).refusal("describe_brokers")


def test_a_thousand_brokers_and_configs_stay_a_short_answer_that_says_what_it_leaves_out(
    make_served: MakeServed,
) -> None:
    broker = ClusterBroker(id=0, host="broker.of.a.rather.long.name.example.com", port=9092, fenced=False)
    entry = BrokerConfig(name="", value="v" * 5_000, source="static")
    told = Brokers(
        brokers=tuple(replace(broker, id=number) for number in range(1_000)),
        configs=BrokerConfigs(
            brokers=tuple(range(1_000)),
            entries=tuple(replace(entry, name=f"a.config.of.number.{number:04}") for number in range(1_000)),
            cluster_wide={},
        ),
    )
    served = make_served(a_document(brokers=told))
    answer = served.answer("describe_brokers")
    assert (len(answer["brokers"]), len(answer["configs"])) == (40, 40)
    assert answer["hint"] == "lists are cut at 40: 1000 brokers, 1000 configs; narrow `configs`"
    result = served.call("describe_brokers")
    assert len(result.model_dump_json(by_alias=True, exclude_none=True).encode()) <= 60_000
    narrowed = served.answer("describe_brokers", configs="*.0007")
    assert [one["name"] for one in narrowed["configs"]] == ["a.config.of.number.0007"]
