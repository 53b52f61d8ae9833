"""The domains of Datagen's quickstarts.

The names come from the connector (the enum `Quickstart` in github.com/confluentinc/kafka-connect-datagen,
plus those that only Confluent Cloud's DatagenSource takes); the grouping follows the demos they were made
for.
"""

from collections.abc import Mapping

_BY_DOMAIN = {
    "web": ("clickstream", "clickstream_codes", "clickstream_users", "pageviews"),
    "shop": (
        *(
            "users",
            "users_",
            "users_array_map",
            "product",
            "product_v2",
            "productv2",
            "orders",
            "purchase",
            "purchases",
        ),
        *("inventory", "stores", "ratings"),
    ),
    "shoe store": ("shoes", "shoe_customers", "shoe_orders", "shoe_clickstream"),
    "pizza": ("pizza_orders", "pizza_orders_completed", "pizza_orders_cancelled"),
    "payments": ("transactions", "credit_cards"),
    "trading": ("stock_trades",),
    "campaign finance": ("campaign_finance",),
    "payroll": ("payroll_employee", "payroll_employee_location", "payroll_bonus"),
    "insurance": ("insurance_customers", "insurance_customer_activity", "insurance_offers"),
    "gaming": ("gaming_games", "gaming_players", "gaming_player_activity"),
    "fleet": ("fleet_mgmt_description", "fleet_mgmt_location", "fleet_mgmt_sensors"),
    "devices": ("device_information", "device", "syslog", "syslog_logs", "siem_logs"),
}

QUICKSTART_DOMAINS: Mapping[str, str] = {
    quickstart: domain for domain, quickstarts in _BY_DOMAIN.items() for quickstart in quickstarts
}
"""Quickstart in lower case → domain."""
