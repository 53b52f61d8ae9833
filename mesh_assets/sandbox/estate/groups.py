"""The consumer groups: three with live members that lag behind, one that nobody is in."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveGroup:
    """`lag_records`: how far its commits stay behind what it reads. `protocol`: Kafka's older or newer way to
    balance members."""

    name: str
    topics: tuple[str, ...]
    members: int
    lag_records: int
    protocol: Literal["classic", "consumer"] = "classic"


LIVE_GROUPS = (
    LiveGroup(name="order-fulfilment", topics=("orders", "product"), members=2, lag_records=60),
    LiveGroup(
        name="clickstream-sessions",
        topics=("clickstream", "clickstream_users", "pageviews"),
        members=3,
        lag_records=150,
        protocol="consumer",
    ),
    LiveGroup(name="fraud-detection", topics=("transactions", "credit_cards"), members=1, lag_records=90),
)

EMPTY_GROUP = "nightly-report"
EMPTY_GROUP_TOPICS = ("purchases", "ratings")
