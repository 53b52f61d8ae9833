"""The tag of runs that were launched for what waits in the inbox."""

from collections.abc import Mapping

FROM_INBOX_TAG = "mesh/from_inbox"


def is_from_inbox(tags: Mapping[str, str]) -> bool:
    """Whether the run's trigger tags are a copy of one of the triggers in the inbox."""
    return tags.get(FROM_INBOX_TAG) == "true"
