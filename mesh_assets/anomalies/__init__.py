"""Unusual rates and lags, from readings of the offsets every few minutes.

`watch_cluster` (watch.py) is one look at a cluster: a reading, a judgement; `Watched.keep` appends the
reading and tells the inbox. The history (history.py) keeps 14 days; what is usual (usual.py) is derived from
it once an hour; the rules (topics.py, consumer_groups.py, connectors.py) judge the last readings against it;
what is open and what has ended stands in the store (open.py).
"""
