"""Cheap looks at a cluster between discoveries: what differs from the latest document, as triggers with their
causes.

Public: `observe_schemas`, `observe_connectors`, `observe_resources` (one module each), `look_at` and `sweep`
(many clusters in one tick), `SensorCursor` (what is kept between ticks), `take_triggers` (what a run takes
from the inbox).
"""
