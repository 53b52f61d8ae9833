"""Examples that Confluent publishes in its OpenAPI documents (confluentinc/ccloud-sdk-go-v2, August 2026), one file per
operation."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_PUBLISHED = Path(__file__).parent / "confluent_cloud" / "published"


@pytest.fixture(scope="session")
def published() -> Callable[[str], Any]:
    """The example answer of that name, a new copy at each call."""
    return lambda name: json.loads((_PUBLISHED / f"{name}.json").read_text())
