from mesh_assets.inventory.sections import ConnectorsSection, MetricsSection, SchemasSection, SectionState
from mesh_assets.snapshot.report import stand_in_notes
from mesh_assets_tests.documents import MOMENT

FRESH = SectionState(status="fresh", collected_at=MOMENT)


def test_a_stand_in_is_named_once_with_everything_read_from_it() -> None:
    notes = stand_in_notes(
        {
            "connectors": ConnectorsSection(
                cluster_id="c", state=FRESH, records=(), stand_in="the sandbox's cloud"
            ),
            "schemas": SchemasSection(cluster_id="c", state=FRESH, records=()),
            "metrics": MetricsSection(
                cluster_id="c", state=FRESH, records=None, stand_in="the sandbox's cloud"
            ),
        }
    )
    assert list(notes) == ["connectors, metrics come from a stand-in: the sandbox's cloud"]


def test_real_systems_have_no_such_note() -> None:
    assert (
        list(stand_in_notes({"connectors": ConnectorsSection(cluster_id="c", state=FRESH, records=())})) == []
    )
