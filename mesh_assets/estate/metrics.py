"""Where a cluster's metrics come from."""

from typing import Literal

from mesh_assets.estate.fields import EstateModel


class OffsetMetrics(EstateModel):
    """Rates from two readings of the offsets: what every Kafka can give."""

    kind: Literal["offsets"] = "offsets"
