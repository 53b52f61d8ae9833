"""Unusual rates and lags, judged from readings of the offsets every few minutes.

`watch_cluster` (watch.py) takes a reading of one cluster and judges it; `Watched.keep` writes the reading and
fills the inbox. What is usual (usual.py) is derived from the kept readings once an hour; the rules
(series.py for topics and groups, connectors.py) judge the newest readings by it, with the estate's thresholds
(`AnomalyThresholds` in `estate/monitoring.py`); anomaly.py keeps what is open and what has ended.

Imports `readings`, `collecting` and what lies below them; nothing of `sensing`.
"""
