"""What belongs together in the sandbox's estate, written down by its maker: an analysis must find it
again."""

from collections import defaultdict
from collections.abc import Mapping
from itertools import combinations
from typing import Any

from mesh_assets.sandbox.estate.clusters import PLANTED_PASSWORD
from mesh_assets.sandbox.estate.topics import TOPICS

TRUE_DOMAINS: Mapping[str, frozenset[str]] = {
    "the shop": frozenset({"users", "product", "orders", "purchases", "inventory", "stores", "ratings"}),
    "the shoe shop": frozenset({"shoes", "shoe_customers", "shoe_orders", "shoe_clickstream"}),
    "pizza": frozenset({"pizza_orders", "pizza_orders_completed", "pizza_orders_cancelled"}),
    "the web site": frozenset({"clickstream", "clickstream_codes", "clickstream_users", "pageviews"}),
    "games": frozenset({"gaming_games", "gaming_players", "gaming_player_activity"}),
    "vehicles": frozenset({"fleet_mgmt_description", "fleet_mgmt_location", "fleet_mgmt_sensors"}),
    "devices": frozenset({"device_information", "siem_logs", "syslog_logs"}),
    "cards": frozenset({"credit_cards", "transactions"}),
    "stocks": frozenset({"stock_trades"}),
    "donations": frozenset({"campaign_finance"}),
    "payroll": frozenset({"payroll_bonus", "payroll_employee", "payroll_employee_location"}),
    "insurance": frozenset({"insurance_customers", "insurance_customer_activity", "insurance_offers"}),
}
"""Domain → topics. Every topic is in one. The names are the sandbox's own; an analysis may use others."""


def true_keys() -> frozenset[tuple[str, frozenset[str]]]:
    """Each key with the topics, two or more, whose values of it identify the same things. A name may occur
    several times: pizzas and shoes are ordered under ids of their own."""
    users: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for topic in TOPICS:
        for name, field in topic.fields.items():
            if field.entity is not None:
                users[name, field.entity.pattern].add(topic.name)
    return frozenset((name, frozenset(topics)) for (name, _), topics in users.items() if len(topics) > 1)


_FIELDS = {topic.name: topic.fields for topic in TOPICS}


def identified_by(topic: str, path: str) -> str | None:
    """What a field's values identify: equal for two fields whose values stand for the same things; None: they
    identify nothing."""
    field = _FIELDS.get(topic, {}).get(path)
    return None if field is None or field.entity is None else field.entity.pattern


def fields_of_things() -> frozenset[frozenset[tuple[str, str]]]:
    """Pairs of fields, each by topic and path, of different topics whose values identify the same things."""
    places = [(topic.name, path) for topic in TOPICS for path in topic.fields]
    return frozenset(
        frozenset({one, other})
        for one, other in combinations(places, 2)
        if one[0] != other[0]
        and identified_by(*one) is not None
        and identified_by(*one) == identified_by(*other)
    )


CONTRACTS: Mapping[str, Mapping[str, Any]] = {
    "users-value": {
        "metadata": {
            "properties": {
                "owner": "shop-team",
                "support.password": PLANTED_PASSWORD,
                "pager": PLANTED_PASSWORD,
            },
            "sensitive": ["pager"],
            "tags": {"**.email": ["PII"], "**.phone": ["PII"]},
        },
        "ruleSet": {
            "domainRules": [
                {
                    "name": "hasAddress",
                    "kind": "CONDITION",
                    "type": "CEL",
                    "mode": "WRITE",
                    "expr": "message.email != ''",
                    "onFailure": "ERROR",
                }
            ]
        },
    },
    "orders-value": {"metadata": {"properties": {"owner": "shop-team", "domain": "shop"}}},
}
"""Subject of `data-mesh-cluster` → what its data contract says, in the form of Confluent's registry."""
