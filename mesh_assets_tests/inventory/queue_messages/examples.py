"""Recorded example messages, in the published forms of their senders."""

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "messages"


def example(name: str, **changed: Any) -> str:
    """The message's text; `changed` replaces fields at its top."""
    return json.dumps({**json.loads((_FOLDER / f"{name}.json").read_text()), **changed})


def in_sns(message: str, **changed: Any) -> str:
    """The message as SNS delivers it to a queue without raw message delivery."""
    return example("sns_envelope", Message=message, **changed)
