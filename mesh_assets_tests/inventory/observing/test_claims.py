from datetime import timedelta
from pathlib import Path

from mesh_assets.inventory.observing.claims import claim_run
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import MOMENT


def test_a_run_is_asked_for_once_until_it_has_come_or_enough_time_has_passed(tmp_path: Path) -> None:
    objects = open_store(str(tmp_path))

    def claim(seconds: float, *, newest_run: float | None = None) -> bool:
        run = None if newest_run is None else MOMENT + timedelta(seconds=newest_run)
        return claim_run(objects, "lkc-1", now=MOMENT + timedelta(seconds=seconds), newest_run=run)

    assert claim(0)
    assert not claim(5)
    assert not claim(5, newest_run=-60)
    assert claim(10, newest_run=6)  # the run that was asked for has come, and it has ended
    assert not claim(99)
    assert claim(101)
