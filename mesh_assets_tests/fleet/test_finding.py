"""What a look at the clouds changes: clusters join by rule, keep their names, and none leaves because a list lacks it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mesh_assets.errors import EstateError, RefusedError, StoreError
from mesh_assets.estate.found import MskRule
from mesh_assets.estate.monitoring import CloudWatchMetrics
from mesh_assets.fleet.finding import PlannedCluster, missing
from mesh_assets.fleet.in_force import EstateInForce
from mesh_assets.fleet.kept_found import kept_clusters
from mesh_assets.fleet.loading import read_with_found
from mesh_assets.fleet.looking import Look, look_for_clusters
from mesh_assets.platforms.aws.msk_clusters import MskCluster
from mesh_assets.store.folder import FolderStore
from mesh_assets_tests.fleet.clouds import ESTATE, Clouds, lkc, msk

AT = datetime(2026, 11, 29, 12, tzinfo=UTC)


@dataclass
class Place:
    path: Path
    objects: FolderStore
    clouds: Clouds

    def look(self, *, at: datetime = AT, forget_missing: bool = False) -> Look:
        return look_for_clusters(
            self.path,
            lambda: self.objects,
            at=at,
            forget_missing=forget_missing,
            msk=self.clouds.list_msk,
            control_plane=self.clouds.control_plane,
        )

    def apply(self, *, at: datetime = AT, forget_missing: bool = False) -> list[PlannedCluster]:
        look = self.look(at=at, forget_missing=forget_missing)
        look.apply(self.objects)
        return list(look.plan.steps)

    @property
    def names(self) -> list[str]:
        return list(read_with_found(self.path, lambda: self.objects).estate.clusters)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    path = tmp_path / "estate.yaml"
    path.write_text(ESTATE)
    clouds = Clouds(msk=[msk("orders")], environments_={"env-1": ("prod", [lkc("lkc-1", "Sales EU")])})
    return Place(path, FolderStore(tmp_path / "store"), clouds)


def actions(steps: Sequence[PlannedCluster]) -> list[tuple[str, str | None]]:
    return [(step.action, step.cluster or step.name) for step in steps]


def test_a_look_shows_additions_and_changes_nothing(place: Place) -> None:
    assert actions(place.look().plan.steps) == [("add", "msk-orders"), ("add", "Sales-EU")]
    assert place.names == ["central"]
    assert kept_clusters(place.objects, place.path).version is None


def test_a_found_cluster_is_in_the_estate_from_then_on_under_its_rule(place: Place) -> None:
    place.apply()
    place.clouds.failing = {"msk", "environments"}

    clusters = read_with_found(place.path, lambda: place.objects).estate.clusters

    assert list(clusters) == ["central", "msk-orders", "Sales-EU"]
    orders, sales = clusters["msk-orders"], clusters["Sales-EU"]
    assert orders.kafka.cluster_arn == place.clouds.msk[0].arn
    assert (orders.kafka.sasl_mechanism, orders.metrics) == (
        "AWS_MSK_IAM",
        CloudWatchMetrics(kind="cloudwatch"),
    )
    assert orders.sensors.quiet_minutes == sales.sensors.quiet_minutes == 3
    assert (sales.cluster_id, sales.environment and sales.environment.id) == ("lkc-1", "env-1")
    assert (sales.kafka.bootstrap_servers, sales.kafka.security_protocol) == ("pkc-1:9092", "SASL_SSL")
    assert (sales.kafka.username, sales.kafka.password) == ("ssm:/kafka/lkc-1/key", "${KAFKA_SALES_EU}")
    assert sales.schema_registry is not None
    assert (sales.schema_registry.url, sales.schema_registry.id) == ("https://psrc-1.example", "lsrc-1")
    assert [endpoint.kind for endpoint in sales.connect] == ["confluent_cloud"]
    assert actions(place_unfailed(place).look().plan.steps) == [
        ("unchanged", "msk-orders"),
        ("unchanged", "Sales-EU"),
    ]


def place_unfailed(place: Place) -> Place:
    place.clouds.failing = set()
    return place


@pytest.mark.parametrize(
    ("cluster", "why"),
    [
        (msk("test-1"), "its name 'test-1' is not among the rule's names"),
        (msk("a", team="web"), "its tag team is 'web', not 'data*'"),
        (msk("a", other="x"), "it has no tag team"),
        (msk("a", state="CREATING"), "it is being created (CREATING)"),
        (msk("a", state="DELETING"), "it is DELETING"),
    ],
)
def test_clusters_that_a_rule_excludes_or_cannot_use_are_skipped_with_the_reason(
    place: Place, cluster: MskCluster, why: str
) -> None:
    place.clouds.msk = [cluster]
    [step, _] = place.apply()
    assert (step.action, step.cluster, step.why) == ("skipped", None, why)
    assert place.names == ["central", "Sales-EU"]


def test_unnamed_environments_are_not_listed_and_a_cluster_without_brokers_waits(
    place: Place,
) -> None:
    place.clouds.environments_ = {
        "env-9": ("test", [lkc("lkc-9", "nine")]),
        "env-2": ("other", [lkc("lkc-2", "two", servers=None, phase="PROVISIONING")]),
    }
    place.clouds.failing = {"env-9"}
    [_, step] = place.apply()
    assert (step.action, step.why) == ("skipped", "it is being created (PROVISIONING)")


def test_a_cluster_named_in_the_file_stays_the_files(place: Place) -> None:
    place.clouds.environments_ = {"env-1": ("prod", [lkc("lkc-central", "central")])}
    [_, step] = place.apply()
    assert (step.action, step.why) == ("skipped", "the estate file names it itself, as central")

    place.apply()
    own = f'  mine: {{kafka: {{cluster_arn: "{place.clouds.msk[0].arn}"}}}}\nfound:'
    place.path.write_text(ESTATE.replace("found:", own))
    assert place.names == ["central", "mine"]
    [skipped, _, forgotten] = place.apply()
    assert (skipped.action, forgotten.action, forgotten.cluster) == ("skipped", "forget", "msk-orders")


def test_a_taken_name_is_not_given_twice(place: Place) -> None:
    place.clouds.environments_ = {
        "env-1": ("prod", [lkc("lkc-1", "same"), lkc("lkc-2", "same"), lkc("lkc-3", "central")])
    }
    [_, first, second, third] = place.apply()
    assert (first.action, first.cluster) == ("add", "same")
    assert [(one.action, (one.why or "").partition(";")[0]) for one in (second, third)] == [
        ("skipped", "the estate already has a cluster same"),
        ("skipped", "the estate already has a cluster central"),
    ]


def test_a_cluster_keeps_its_name_whatever_it_or_the_rule_is_called_later(place: Place) -> None:
    place.apply()
    place.clouds.environments_["env-1"][1][0] = lkc("lkc-1", "renamed", servers="pkc-2:9092")
    place.path.write_text(ESTATE.replace('"msk-{name}"', '"{name}-new"'))

    assert actions(place.apply()) == [("unchanged", "msk-orders"), ("changed", "Sales-EU")]
    clusters = read_with_found(place.path, lambda: place.objects).estate.clusters
    assert clusters["Sales-EU"].kafka.bootstrap_servers == "pkc-2:9092"


def test_a_cluster_missing_from_a_list_is_marked_and_stays_until_a_person_forgets_it(place: Place) -> None:
    place.apply()
    place.clouds.msk = []

    [_, step] = place.apply(at=AT + timedelta(hours=1))
    assert (step.action, step.cluster) == ("missing", "msk-orders")
    place.apply(at=AT + timedelta(hours=9))
    assert place.names == ["central", "Sales-EU", "msk-orders"]
    [said] = missing(kept_clusters(place.objects, place.path).clusters)
    assert said.startswith("msk-orders (arn:aws:kafka:")
    assert "is missing since 2026-11-29 13:00 UTC: it is no longer in any list" in said

    place.clouds.msk = [msk("orders")]
    assert actions(place.look().plan.steps)[0] == ("back", "msk-orders")
    place.clouds.msk = []
    assert actions(place.apply(forget_missing=True))[1] == ("forget", "msk-orders")
    assert place.names == ["central", "Sales-EU"]


def test_a_cluster_whose_tags_no_longer_match_is_marked_too(place: Place) -> None:
    place.apply()
    place.clouds.msk = [msk("orders", team="web")]
    [_, step] = place.apply()
    assert (step.action, step.why) == (
        "missing",
        "rule eu no longer matches it: its tag team is 'web', not 'data*'",
    )


@pytest.mark.parametrize("forget_missing", [False, True])
@pytest.mark.parametrize("failing", ["msk", "environments", "env-1"])
def test_a_failed_list_removes_and_marks_nothing(place: Place, failing: str, forget_missing: bool) -> None:
    place.apply()
    place.clouds.failing = {failing}

    look = place.look(forget_missing=forget_missing)
    look.apply(place.objects)

    unknown = ["msk-orders"] if failing == "msk" else ["Sales-EU"]
    assert [step.cluster for step in look.plan.steps if step.action == "unknown"] == unknown
    assert look.plan.changes == ()
    [failures] = look.plan.failures.values()
    assert f"{failing} does not answer" in failures[0]
    assert sorted(place.names) == ["Sales-EU", "central", "msk-orders"]
    assert list(missing(look.plan.clusters)) == []


def test_the_part_that_a_failed_list_has_is_added(place: Place) -> None:
    place.clouds.environments_["env-2"] = ("other", [lkc("lkc-2", "two")])
    place.clouds.failing = {"env-1"}
    assert ("add", "two") in actions(place.apply())


def test_two_concurrent_looks_do_not_undo_each_other(place: Place) -> None:
    first, second = place.look(), place.look()
    first.apply(place.objects)
    with pytest.raises(StoreError, match="was written meanwhile"):
        second.apply(place.objects)


def test_clusters_of_a_deleted_rule_leave_with_it(place: Place) -> None:
    place.apply()
    place.path.write_text(ESTATE[: ESTATE.index("    - kind: confluent_cloud")])
    assert place.names == ["central", "msk-orders"]
    assert actions(place.apply()) == [("unchanged", "msk-orders"), ("forget", "Sales-EU")]


def test_found_clusters_come_into_force_where_the_estate_is_watched(place: Place) -> None:
    watched = EstateInForce(place.path, lambda: place.objects)
    assert list(watched.now().estate.clusters) == ["central"]
    place.apply()
    assert list(watched.now().estate.clusters) == ["central", "msk-orders", "Sales-EU"]


def test_an_unreadable_store_is_not_an_empty_list(place: Place) -> None:
    place.apply()
    watched = EstateInForce(place.path, lambda: place.objects)
    assert len(watched.now().estate.clusters) == 3
    [entry] = [one for one in place.objects.list("private/estates/") if one.key.endswith("-found.json")]
    place.objects.put(entry.key, b"{")

    assert len(watched.now().estate.clusters) == 3
    with pytest.raises(EstateError, match="it is unknown which there are"):
        read_with_found(place.path, lambda: place.objects)


def test_an_estate_without_rules_says_so(place: Place) -> None:
    place.path.write_text(ESTATE[: ESTATE.index("found:")])
    with pytest.raises(EstateError, match="has no rules for finding clusters"):
        place.look()


def test_an_unexpected_account_is_a_failure(place: Place) -> None:
    def refuse(rule: MskRule) -> Sequence[MskCluster]:
        raise RefusedError(f"the AWS credentials of rule {rule.name} are of account 2")

    place.apply()
    look = look_for_clusters(
        place.path, lambda: place.objects, at=AT, msk=refuse, control_plane=place.clouds.control_plane
    )
    assert look.plan.failures == {"eu": ("the AWS credentials of rule eu are of account 2",)}


def test_the_first_matching_rule_counts(place: Place) -> None:
    second = ESTATE.replace("    - kind: confluent_cloud", EVERYTHING + "    - kind: confluent_cloud")
    place.path.write_text(second)
    place.clouds.msk.append(replace(msk("web"), tags={}))
    assert actions(place.apply()) == [
        ("add", "msk-orders"),
        ("skipped", "web"),
        ("skipped", "orders"),
        ("add", "web"),
        ("add", "Sales-EU"),
    ]


EVERYTHING = "    - {kind: msk, name: rest, region: eu-west-1}\n"
