"""An anomaly from beginning to end, and where open and ended ones are kept.

`readings/<cluster_id>/anomalies.json` holds both, so that each anomaly is reported once.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from mesh_assets.anomalies.statistics import UsualLag, UsualRate
from mesh_assets.errors import StoreError
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.inventory.wording import duration, figure
from mesh_assets.readings.history import KEPT
from mesh_assets.store.layout import safe
from mesh_assets.store.objects import ObjectStore

AnomalyKind = Literal[
    "topic_silent", "rate_spike", "rate_drop", "lag_growing", "connector_without_throughput"
]

_ENDED_KEPT = 1_000


class Anomaly(Record, frozen=True, kw_only=True):
    """Something unusual.

    `resource`: the topic, group or connector. `series`: where it was seen. `began_at`: the reading before the
    first unusual one. `sentence`: as worded when the anomaly was noticed. `told`: it is or was in the inbox.
    """

    kind: AnomalyKind
    resource: str
    series: str
    began_at: datetime
    noticed_at: datetime
    sentence: str
    told: bool = False
    ended_at: datetime | None = None

    @property
    def key(self) -> tuple[AnomalyKind, str]:
        return self.kind, self.series

    @property
    def cause_id(self) -> str:
        """The same for the same anomaly, however often it is reported."""
        return f"{self.kind} {self.series} since {self.began_at.isoformat()}"


def usually(usual: UsualRate, *, unit: str = "") -> str:
    """`usually 8–12 records/s at this hour`"""  # noqa: RUF002 - a range
    low, high = figure(usual.low), figure(usual.high)
    return f"usually {low if low == high else f'{low}–{high}'}{unit} {_when(usual)}"  # noqa: RUF001 - a range


def usually_at_most(usual: UsualLag) -> str:
    """`usually at most 1,204 in the 24 h before`"""
    return f"usually at most {figure(usual.high)} {_when(usual)}"


def _when(usual: UsualRate | UsualLag) -> str:
    return f"in the {duration(usual.seconds)} before" if usual.basis == "recent" else "at this hour"


# --- in the store


class Anomalies(Record, frozen=True, kw_only=True):
    """`open` in the order they were noticed; `ended` in the last 14 days, at most 1,000, newest last."""

    open: tuple[Anomaly, ...] = ()
    ended: tuple[Anomaly, ...] = ()


def moved_on(
    anomalies: Anomalies, *, begun: Iterable[Anomaly], ended: Iterable[Anomaly], now: datetime
) -> Anomalies:
    """The anomalies after a judgement. `ended`: those that were open, with their end."""
    over = {anomaly.key: anomaly for anomaly in ended}
    kept = tuple(
        anomaly
        for anomaly in (*anomalies.ended, *over.values())
        if anomaly.ended_at is None or anomaly.ended_at > now - KEPT
    )
    return Anomalies(
        open=(*(anomaly for anomaly in anomalies.open if anomaly.key not in over), *begun),
        ended=kept[-_ENDED_KEPT:],
    )


_decoder = msgspec.json.Decoder(Anomalies)


def get_anomalies(objects: ObjectStore, cluster_id: str) -> Anomalies:
    """Raises StoreError when they cannot be read: without them everything would be reported again."""
    key = _key(cluster_id)
    found = objects.get(key)
    if found is None:
        return Anomalies()
    try:
        return _decoder.decode(found[0])
    except UNDECODABLE as error:
        raise StoreError(
            f"{objects.location(key)} does not hold anomalies of this version: {error}; remove it"
        ) from error


def put_anomalies(objects: ObjectStore, cluster_id: str, anomalies: Anomalies) -> None:
    """Raises StoreError when the store fails."""
    objects.put(_key(cluster_id), msgspec.json.encode(anomalies))


def _key(cluster_id: str) -> str:
    return f"readings/{safe(cluster_id)}/anomalies.json"
