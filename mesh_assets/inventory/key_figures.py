"""The few figures of a cluster's metrics that people look at first: in the terminal, the UI and the report."""

from collections.abc import Iterator

from mesh_assets.inventory.records import Metrics, Record
from mesh_assets.inventory.wording import bytes_text, duration, figure


class KeyFigures(Record, frozen=True, kw_only=True):
    """`records_in_per_second` is the sum over topics; the rest is what the platform reports for the cluster
    as a whole. None: unknown.

    `slowest_group`: the one with the longest time lag, None if no group has any. `slowest_lag_seconds` is a
    lower bound if `slowest_lag_is_at_least`. `errors`: why sources are missing.
    """

    records_in_per_second: float | None = None
    records_out_per_second: float | None = None
    bytes_in_per_second: float | None = None
    bytes_out_per_second: float | None = None
    retained_bytes: int | None = None
    load_percent: float | None = None
    connections: int | None = None
    slowest_group: str | None = None
    slowest_lag_seconds: float | None = None
    slowest_lag_is_at_least: bool = False
    errors: tuple[str, ...] = ()


def key_figures(metrics: Metrics | None) -> KeyFigures:
    if metrics is None:
        return KeyFigures()
    rates = [rate.records_in_per_second for rate in metrics.topics if rate.records_in_per_second is not None]
    slowest = metrics.slowest_group
    lag = (
        None
        if slowest is None
        else slowest.lag_seconds
        if slowest.lag_seconds is not None
        else slowest.lag_seconds_at_least
    )
    cluster = metrics.cluster
    return KeyFigures(
        records_in_per_second=round(sum(rates), 3) if rates else None,
        records_out_per_second=None if cluster is None else cluster.records_out_per_second,
        bytes_in_per_second=None if cluster is None else cluster.bytes_in_per_second,
        bytes_out_per_second=None if cluster is None else cluster.bytes_out_per_second,
        retained_bytes=None if cluster is None else cluster.retained_bytes,
        load_percent=None if cluster is None else cluster.load_percent,
        connections=None if cluster is None else cluster.connections,
        slowest_group=slowest.group_id if slowest is not None and lag else None,
        slowest_lag_seconds=lag or None,
        slowest_lag_is_at_least=slowest is not None and slowest.lag_seconds is None and bool(lag),
        errors=metrics.errors,
    )


def key_figures_text(known: KeyFigures) -> str:
    """The known figures, in one line: `120 records/s in 3.2 MB/s in load 34 % fraud-detection 12 min behind`. Empty
    if none is known."""
    return "   ".join(_parts(known))


def _parts(known: KeyFigures) -> Iterator[str]:
    if known.records_in_per_second is not None:
        yield f"{figure(known.records_in_per_second)} records/s in"
    if known.records_out_per_second is not None:
        yield f"{figure(known.records_out_per_second)} records/s out"
    if known.bytes_in_per_second is not None:
        yield f"{bytes_text(known.bytes_in_per_second)}/s in"
    if known.bytes_out_per_second is not None:
        yield f"{bytes_text(known.bytes_out_per_second)}/s out"
    if known.retained_bytes is not None:
        yield f"{bytes_text(known.retained_bytes)} retained"
    if known.load_percent is not None:
        yield f"load {known.load_percent:.0f} %"
    if known.connections is not None:
        yield f"{known.connections:,} connections"
    if known.slowest_group is not None and known.slowest_lag_seconds is not None:
        at_least = "at least " if known.slowest_lag_is_at_least else ""
        yield f"{known.slowest_group} {at_least}{duration(known.slowest_lag_seconds)} behind"
