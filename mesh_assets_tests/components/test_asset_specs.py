"""Whatever Kafka's names are, Dagster accepts the assets."""

from typing import Any

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mesh_assets.components.asset_specs import asset_spec, check_report_url
from mesh_assets.components.estate_state import estate_assets
from mesh_assets.components.mesh_asset import MeshAsset
from mesh_assets.components.names import group_name, owner, tag_value
from mesh_assets.inventory.document import Document
from mesh_assets_tests.arbitrary_documents import documents, property_of_documents
from mesh_assets_tests.components.a_shop import a_shop
from mesh_assets_tests.documents import a_connector, a_document


def test_a_topic_of_the_shop() -> None:
    orders = next(estate_assets({"data-mesh-cluster": a_shop()}))

    spec = asset_spec(orders, report_url="https://reports.example/{cluster}.html#{kind}/{name}")

    assert spec.key == dg.AssetKey(["data-mesh-cluster", "topics", "orders"])
    assert spec.group_name == "Money_shops"
    assert spec.owners == ["team:payments"]
    assert spec.kinds == {"kafka", "json"}
    assert {name: value for name, value in spec.tags.items() if name.startswith("mesh/")} == {
        "mesh/cluster": "data-mesh-cluster",
        "mesh/kind": "topics",
    }
    metadata = dict(spec.metadata)
    assert [column.name for column in metadata.pop("dagster/column_schema").columns] == ["id", "email"]
    assert metadata == {
        "partitions": 1,
        "replication_factor": 1,
        "topic_id": "id-of-orders",
        "subjects": "orders-value",
        "domain": "Money & shops",
        "owner": "payments",
        "report": dg.MetadataValue.url("https://reports.example/data-mesh-cluster.html#topics/orders"),
    }


@pytest.mark.parametrize(
    ("asset", "page"),
    [
        ({"kind": "topics", "name": "a/b c"}, "topic/warehouse/a%2Fb%20c"),
        ({"kind": "consumer_groups", "name": "billing"}, "group/warehouse/billing"),
        ({"kind": "connectors", "name": "sink", "facts": {"connect": "main"}}, "connector/warehouse/sink"),
        (
            {"kind": "connectors", "name": "sink", "part": "main/sink", "facts": {"connect": "main"}},
            "connector/warehouse/sink/main",
        ),
        ({"kind": "datasets", "name": "shop.orders", "cluster": None}, "search/shop.orders"),
    ],
)
def test_a_link_leads_to_the_things_own_page_in_the_report(asset: dict[str, Any], page: str) -> None:
    part = asset.pop("part", asset["name"])
    about: dict[str, Any] = {"cluster": "warehouse", "description": "", **asset}
    shown = MeshAsset(key=("warehouse", asset["kind"], part), **about)

    spec = asset_spec(shown, report_url="https://reports.example/mesh.html#{page}")

    assert spec.metadata["report"] == dg.MetadataValue.url(f"https://reports.example/mesh.html#{page}")


def test_without_a_domain_the_group_is_the_cluster() -> None:
    refunds = list(estate_assets({"data-mesh-cluster": a_shop()}))[1]

    assert asset_spec(refunds).group_name == "data_mesh_cluster"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("payments", "team:payments"),
        ("team:payments", "team:payments"),
        ("Shop & Co.\nOrders", "team:Shop & Co. Orders"),
        ("jo@example.com", "jo@example.com"),
        ("jo@example.photography", "team:jo@example.photography"),  # Dagster accepts no longer endings
        ("", None),
        ("team:", None),
    ],
)
def test_an_owner_is_an_address_or_a_team(text: str, expected: str | None) -> None:
    assert owner(text) == expected


@pytest.mark.parametrize(
    "url", ["https://x/{topic}", "https://x/{name!r}", "https://x/{name:>9}", "ftp://x", "https://x/{"]
)
def test_an_unusable_report_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"report_url.* expected an address with \{page\}"):
        check_report_url(url)


_ANY = st.text(max_size=80)


@given(_ANY, _ANY, _ANY, _ANY)
def test_dagster_takes_every_name_as_group_owner_and_tag(
    cluster: str, domain: str, team: str, name: str
) -> None:
    asset = MeshAsset(
        key=(cluster, "topics", name),
        kind="topics",
        cluster=cluster,
        name=name,
        description="",
        domain=domain,
        owner=team,
    )

    spec = asset_spec(asset)

    assert spec.group_name == (group_name(domain) if domain else group_name(cluster))
    assert spec.tags["mesh/cluster"] == tag_value(cluster)


@property_of_documents
@given(documents())
def test_dagster_takes_every_document(document: Document) -> None:
    specs = [asset_spec(asset) for asset in estate_assets({"warehouse": document})]

    assert len(dg.Definitions(assets=specs).resolve_all_asset_specs()) >= len(specs)


def test_a_connector_named_like_another_ones_endpoint_and_name_has_its_own_key() -> None:
    places = [("main", "orders"), ("second", "orders"), ("main", "main/orders")]
    connectors = tuple(replace(a_connector(name), connect=connect) for connect, name in places)
    assets = estate_assets({"warehouse": a_document(connectors=connectors)})
    assert [asset.key[-1] for asset in assets] == ["main/orders", "second/orders", "main/main/orders"]
