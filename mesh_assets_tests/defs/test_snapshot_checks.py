"""A snapshot is current by when its sections were read, not by when it was published."""

from datetime import timedelta

from mesh_assets.defs.assets.snapshot import OLDEST_HOURS, current_check
from mesh_assets.inventory.sections import SECTION_NAMES, SectionName, SectionState
from mesh_assets_tests.documents import FRESH, MOMENT, NEVER_READ, NOT_CONFIGURED, STALE

ALL_FRESH: dict[SectionName, SectionState] = dict.fromkeys(SECTION_NAMES, FRESH)


def test_sections_read_lately_are_current_also_when_the_newest_reading_failed() -> None:
    sections = {**ALL_FRESH, "schemas": STALE, "connectors": NOT_CONFIGURED}

    assert current_check(sections, now=MOMENT + timedelta(hours=OLDEST_HOURS)).passed


def test_a_section_that_has_not_been_read_for_long_or_ever_is_named() -> None:
    old = current_check(
        {**ALL_FRESH, "schemas": STALE}, now=MOMENT + timedelta(hours=OLDEST_HOURS, seconds=1)
    )
    never = current_check({**ALL_FRESH, "schemas": NEVER_READ}, now=MOMENT)

    assert (old.passed, never.passed) == (False, False)
    assert never.description == "older than 12 hours or never read: schemas"
