"""DescribeCluster (since Kafka 2.8): the brokers, including fenced ones (since 4.0), and what the user may do
with the cluster."""

from mesh_assets.inventory.broker_records import ClusterBroker
from mesh_assets.platforms.kafka.values import Value
from mesh_assets.platforms.kafka.wire.forms import BrokerError, Reader, Request, Writer

_BROKERS_NOT_CONTROLLERS = 1


class DescribedCluster(Value, frozen=True, kw_only=True):
    """`brokers`: sorted. `controller`: the active one with ZooKeeper, any broker with KRaft; None: none.
    `operations`: a bit for each that the user may do with the cluster; None: not reported."""

    brokers: tuple[ClusterBroker, ...]
    controller: int | None
    operations: int | None


def _write(w: Writer, version: int) -> None:
    w.boolean(True)  # with what the user may do with it
    if version >= 1:
        w.int8(_BROKERS_NOT_CONTROLLERS)
    if version >= 2:
        w.boolean(True)  # also fenced ones
    w.tags()


def _read(r: Reader, version: int) -> DescribedCluster | BrokerError:
    r.throttle()
    code, said = r.int16(), r.nullable_text()
    if version >= 1:
        r.int8()
    r.text()  # the cluster's id
    controller = r.int32()
    brokers = []
    for _ in range(r.length()):
        number, host, port, rack = r.int32(), r.text(), r.int32(), r.nullable_text()
        fenced = r.boolean() if version >= 2 else None
        r.tags()
        brokers.append(ClusterBroker(id=number, host=host, port=port, rack=rack, fenced=fenced))
    operations = r.operations()
    r.tags()
    if code:
        return BrokerError(code, said or "")
    return DescribedCluster(
        brokers=tuple(sorted(brokers, key=lambda broker: broker.id)),
        controller=controller if controller >= 0 else None,
        operations=operations,
    )


DESCRIBED_CLUSTER: Request[DescribedCluster | BrokerError] = Request(
    "DescribeCluster", 60, 0, 2, 0, _write, _read
)
