"""Brokers' answers to every request: valid ones of each message in each supported version, made odd or huge."""

import ast
from importlib import resources
from pathlib import Path

from mesh_assets.platforms.kafka import wire
from mesh_assets_tests.hostile.broker_answers import valid_answers
from mesh_assets_tests.platforms.kafka.wire import messages


def test_valid_answers_are_read_to_their_end() -> None:
    for answer in valid_answers():
        messages.read(answer.request, answer.version, answer.body)


def test_every_message_in_use_is_covered_in_every_version() -> None:
    texts = {
        node.value
        for file in Path(wire.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    ours = {
        *messages._OURS,
        *(file.name for file in resources.files("kafka.protocol.schemas.resources").iterdir()),
    }
    spoken = texts & {name.partition(".")[0].removesuffix("Request") for name in ours}
    versions: dict[str, set[int]] = {}
    for answer in valid_answers():
        versions.setdefault(answer.request.name, set()).add(answer.version)
    assert versions.keys() == spoken
    for answer in valid_answers():
        assert versions[answer.request.name] >= set(messages.versions(answer.request)), answer.request.name
