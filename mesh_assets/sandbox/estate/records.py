"""The records: the same number of the same topic is always the same line."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from mesh_assets.sandbox.estate.fields import Draw, draw_object
from mesh_assets.sandbox.estate.topic import Topic

SEED = 37


def record(topic: Topic, number: int) -> dict[str, Any]:
    """The record of that number, from 0. A topic with a population repeats its things, each exactly as
    before."""
    index = number % topic.population.size if topic.population else number
    return draw_object(topic.fields, Draw(Random(f"{SEED}:{topic.name}:{index}"), index, {}))


def line(topic: Topic, number: int) -> str:
    """The record as a line of the topic's feed file, without the line's end."""
    return json.dumps(record(topic, number), separators=(",", ":"))


def backlog(topic: Topic) -> Iterator[str]:
    """The lines every sandbox starts with."""
    return (line(topic, number) for number in range(topic.backlog))
