"""A year of documents, simulated from a real one: how much space they take in the store, and how long any of
them takes to read.

`python -m bench.store [--store FOLDER] [--documents N] [--topics N]`. The newest document of the store
(MESH_STORE) is enlarged as requested by repeating its topics and groups under other names, and changes
between two documents as a busy cluster would: offsets, sizes, times and rates of the topics that move, what
groups have committed, a few configs. The figures of the documents written are measured; those for the year
are extrapolated to a year's number of documents, with a base for each day.

The bar: a year of 20 documents a day of 9,000 topics in at most 5 GB, any of them read in under 2 s.
"""

# ruff: noqa: T201 - a script speaks to its user

import argparse
import os
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from mesh_assets.inventory.document import decode_document, sha256
from mesh_assets.store import layout
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.objects import ObjectStore
from mesh_assets.store.packed import document_bytes, pack_plain
from mesh_assets.upkeep.census import take_census

ID = "bench"
A_DAY, A_YEAR = 20, 365
PARTITIONS, GROUPS_SHARE = 4, 2_200 / 9_000
STEP_SECONDS = 86_400 // A_DAY

Json = dict[str, Any]


def newest(store: InventoryStore) -> bytes:
    """The largest of the clusters' newest documents."""
    found = [
        store.read_document_bytes(pointer[0].document)
        for name in store.cluster_names()
        if (cluster_id := store.cluster_id(name)) and (pointer := store.latest(cluster_id))
    ]
    if not found:
        raise SystemExit("the store has no document: discover a cluster first, such as the sandbox's")
    return max(found, key=len)


def enlarged(document: Json, topics: int, chance: random.Random) -> Json:
    """The document with that many topics of four partitions, and groups in proportion."""
    seeds = [one for one in document["topics"] if one["partitions"]]
    groups = [one for one in document["consumer_groups"] if one["offsets"]]
    names = {f"{seeds[n % len(seeds)]['name']}.{n:05}": seeds[n % len(seeds)] for n in range(topics)}
    made = [_topic(name, seed, chance) for name, seed in names.items()]
    by_seed: dict[str, list[str]] = {}
    for name, seed in names.items():
        by_seed.setdefault(seed["name"], []).append(name)
    made_groups = [
        _group(f"{groups[n % len(groups)]['group_id']}.{n:05}", groups[n % len(groups)], by_seed, chance)
        for n in range(round(topics * GROUPS_SHARE))
    ]
    metrics = document["metrics"]
    if metrics is not None:
        rate = metrics["topics"][0]
        metrics = {**metrics, "topics": [{**rate, "topic": name} for name in names]}
    return {**document, "topics": made, "consumer_groups": made_groups, "metrics": metrics}


def _topic(name: str, seed: Json, chance: random.Random) -> Json:
    partitions = [
        {
            **seed["partitions"][p % len(seed["partitions"])],
            "partition": p,
            "earliest": chance.randrange(10**6),
            "latest": chance.randrange(10**6, 10**9),
            "bytes": chance.randrange(10**9),
        }
        for p in range(PARTITIONS)
    ]
    return {
        **seed,
        "name": name,
        "id": f"{chance.getrandbits(120):030x}"[:22],
        "partitions": partitions,
    }


def _group(name: str, seed: Json, by_seed: dict[str, list[str]], chance: random.Random) -> Json:
    of = {
        one["topic"]: chance.choice(by_seed[one["topic"]])
        for one in seed["offsets"]
        if one["topic"] in by_seed
    }
    offsets = [
        {**one, "topic": of[one["topic"]]}
        for one in seed["offsets"]
        if one["topic"] in of and one["partition"] < PARTITIONS
    ]
    return {**seed, "group_id": name, "offsets": offsets}


def changed(document: Json, rates: dict[str, float], now: datetime, chance: random.Random) -> Json:
    """The document as of `now`: `rates` are records per step, 0 for idle topics."""
    ends: dict[tuple[str, int], int] = {}
    topics = []
    for topic in document["topics"]:
        rate = rates[topic["name"]]
        if not rate:
            topics.append(topic)
            continue
        partitions = []
        for one in topic["partitions"]:
            grown = max(0, round(chance.gauss(rate, rate**0.5)))
            # Retention removes whole segments, so the beginning of a partition moves now and then.
            gone = round(rate * 10) if chance.random() < 0.1 else 0
            one = {
                **one,
                "latest": one["latest"] + grown,
                "earliest": min(one["earliest"] + gone, one["latest"]),
                "bytes": one["bytes"] + grown * 200,
            }
            ends[topic["name"], one["partition"]] = one["latest"]
            partitions.append(one)
        count = sum(one["latest"] - one["earliest"] for one in partitions)
        moved = {**topic, "partitions": partitions, "details": {**topic["details"], "message_count": count}}
        if topic.get("storage") is not None:
            size = sum(one["bytes"] for one in partitions)
            moved["storage"] = {
                **topic["storage"],
                "leader_bytes": size,
                "replica_bytes": size * 3,
                "newest_record_at": (now - timedelta(milliseconds=chance.randrange(60_000))).isoformat(),
            }
        if chance.random() < 0.001:
            moved["config"] = {**(topic["config"] or {}), "retention.ms": str(chance.randrange(10**9))}
        topics.append(moved)
    metrics = document["metrics"]
    if metrics is not None:
        metrics = {**metrics, "topics": [_rated(one, rates, chance) for one in metrics["topics"]]}
    return {
        **document,
        "topics": topics,
        "consumer_groups": [_committed(one, ends, chance) for one in document["consumer_groups"]],
        "metrics": metrics,
        "sequence": document["sequence"] + 1,
        "discovery_timestamp": now.isoformat(),
    }


def _rated(rate: Json, rates: dict[str, float], chance: random.Random) -> Json:
    moving = rates[rate["topic"]]
    return {
        **rate,
        "records_in_per_second": round(chance.gauss(moving, moving**0.5) / STEP_SECONDS, 3)
        if moving
        else 0.0,
    }


def _committed(group: Json, ends: dict[tuple[str, int], int], chance: random.Random) -> Json:
    offsets = []
    for one in group["offsets"]:
        end = ends.get((one["topic"], one["partition"]))
        if end is not None:
            lag = chance.randrange(200) if chance.random() < 0.3 else 0
            one = {**one, "end": end, "committed": max(0, end - lag), "lag_records": lag}
        offsets.append(one)
    return {**group, "offsets": offsets}


def simulated(seed: bytes, topics: int, documents: int, moving: float) -> Iterator[tuple[datetime, bytes]]:
    chance = random.Random(20_261_129)
    document = enlarged(msgspec.json.decode(seed), topics, chance)
    rates = {
        one["name"]: chance.lognormvariate(6, 2.5) if chance.random() < moving else 0.0
        for one in document["topics"]
    }
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(documents):
        now += timedelta(seconds=STEP_SECONDS)
        document = changed(document, rates, now, chance)
        yield now, msgspec.json.encode(document)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--store", default=os.environ.get("MESH_STORE"), help="whose newest document is the seed"
    )
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--topics", type=int, default=9_000)
    parser.add_argument(
        "--moving", type=float, default=0.6, help="share of topics that get records in each step"
    )
    told = parser.parse_args()
    seed = newest(InventoryStore(layout.open_store(told.store)))
    with tempfile.TemporaryDirectory() as folder:
        _measure(FolderStore(Path(folder)), seed, told)


def _measure(objects: ObjectStore, seed: bytes, told: argparse.Namespace) -> None:
    written: dict[str, str] = {}
    packing, plain = 0.0, 0
    for now, data in simulated(seed, told.topics, told.documents, told.moving):
        if not written:
            decode_document(data, source="the simulation")  # or it would measure something else
        key = layout.document_key(ID, now, 1)
        objects.put_new(key, data)
        written[key], plain = sha256(data), plain + len(data)
        start = time.process_time()
        pack_plain(objects, key)
        packing += time.process_time() - start
    held = {one.kind: one for one in take_census(objects).held()}
    reading, read_cpu = [], 0.0
    for key, expected in written.items():
        start, cpu = time.perf_counter(), time.process_time()
        data = document_bytes(objects, key)
        reading.append(time.perf_counter() - start)
        read_cpu += time.process_time() - cpu
        assert data is not None, f"{key} is gone"
        assert sha256(data) == expected, f"{key} reads back differently"
    count, bases = told.documents, held["bases"].objects
    each, base = held["documents"].bytes / count, held["bases"].bytes / bases
    whole = plain / count * A_DAY * A_YEAR / 1e9
    year = each * A_DAY * A_YEAR + base * A_YEAR
    print(
        f"{count} documents of {told.topics:,} topics, {plain / count / 1e6:.1f} MB each, {told.moving:.0%} of the topics moving"
    )
    print(
        f"measured     {each / 1e6:.3f} MB a document, {bases} bases of {base / 1e6:.3f} MB; packing {packing / count:.2f} s of CPU each"
    )
    print(
        f"a year       {year / 1e9:.2f} GB by extrapolation, {A_DAY} documents and a base a day; in full {whole:.0f} GB"
    )
    print(
        f"reading      {sum(reading) / count:.3f} s on average, {max(reading):.3f} s at most, {read_cpu / count:.3f} s of CPU; "
        f"all {count} read and compared"
    )
    met = year <= 5e9 and max(reading) < 2
    print(f"the bar      at most 5 GB, under 2 s: {'met' if met else 'MISSED'}")
    raise SystemExit(0 if met else 1)


if __name__ == "__main__":
    main()
