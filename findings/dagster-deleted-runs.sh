#!/usr/bin/env bash
# What Dagster says of an asset once the runs that made it are deleted: that it is there, or that partitions are missing and must be made
# again, depending on whether anybody had looked before. One would expect an asset to stay made, or to be forgotten.
#
# Seen with Dagster 1.13.27 and its SQLite storage, after DagsterInstance.delete_run of every run, as a job for retention does it:
#
#                                             one with two partitions                   one without
#   get_latest_materialization_event          there, of a run that is gone              there, of a run that is gone
#   fetch_materializations                    none                                      none
#   get_materialized_partitions               none
#   AutomationCondition.missing()             asks for both partitions again, or for    asks for nothing
#                                             nothing if it was evaluated before
#   an asset check's evaluation               stays                                     stays
#
# Events go with their run, while the newest event, the status of partitions that was last worked out, and checks are kept in tables of
# their own. So clearing old runs may rebuild every partition that is older, all at once, in the instance where nobody had opened
# the page, and not in the one where somebody had; the history that `fetch_materializations` has is empty in both.
#
# Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dagster==1.13.27
"$folder/venv/bin/python" -W ignore - 2> "$folder/log" <<'PYTHON' || { cat "$folder/log"; exit 1; }
import dagster as dg

PARTITIONS = ["eu", "us"]


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(PARTITIONS), automation_condition=dg.AutomationCondition.missing())
def by_region():
    return 1


@dg.asset(automation_condition=dg.AutomationCondition.missing())
def whole():
    return 1


@dg.asset_check(asset=whole)
def is_whole():
    return dg.AssetCheckResult(passed=False)


definitions = dg.Definitions(assets=[by_region, whole], asset_checks=[is_whole])


def asked_for(instance):
    """What automation asks for now: partitions of the first asset, and how many of the second."""
    tick = dg.evaluate_automation_conditions(defs=definitions, instance=instance)
    return sorted(tick.get_requested_partitions(by_region.key)), tick.get_num_requested(whole.key)


def after_deletion(looked_before):
    with dg.DagsterInstance.local_temp() as instance:
        runs = [dg.materialize([by_region], partition_key=key, instance=instance) for key in PARTITIONS]
        runs.append(dg.materialize([whole, is_whole], instance=instance))
        assert instance.get_materialized_partitions(by_region.key) == set(PARTITIONS)
        if looked_before:
            assert asked_for(instance) == ([], 0)
        for run in runs:
            instance.delete_run(run.run_id)
        assert instance.get_runs() == []
        asked = asked_for(instance)
        for asset in (by_region, whole):
            newest = instance.get_latest_materialization_event(asset.key)
            assert newest is not None and instance.get_run_by_id(newest.run_id) is None
            assert instance.fetch_materializations(asset.key, limit=9).records == []
        assert instance.get_materialized_partitions(by_region.key) == set()
        checks = instance.event_log_storage.get_asset_check_execution_history(is_whole.check_key, limit=9)
        assert len(checks) == 1, checks
        return asked


print("Dagster", dg.__version__)
for looked_before, expected in ((False, (PARTITIONS, 0)), (True, ([], 0))):
    found = after_deletion(looked_before)
    print("evaluated before:" if looked_before else "not evaluated before:", "asks for partitions", *(found[0] or ["none"]))
    assert found == expected, (looked_before, found)
print("the newest event and the check stay, the history and the partitions are gone")
PYTHON
