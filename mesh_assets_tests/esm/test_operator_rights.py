"""docs/esm.md lists every action that each command needs, and the code uses no other."""

from collections.abc import Callable

import pytest

from mesh_assets.errors import RefusedError
from mesh_assets.esm.errors import InvalidRequestError
from mesh_assets.esm.service import MappingService
from mesh_assets_tests.esm.fake_aws import KEY_ARN, OTHERWISE, FakeAws, refusal
from mesh_assets_tests.esm.iam.situations import SITUATIONS, planned_service
from mesh_assets_tests.esm.operator_rights import (
    PAGE,
    actions_in_the_code,
    rights_by_command,
    with_table,
)
from mesh_assets_tests.esm.requests import MSK, create, update


@pytest.mark.slow
def test_the_page_lists_the_rights_that_the_code_needs() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page) == page, "run: python -m mesh_assets_tests.esm.operator_rights"


def test_every_action_of_the_code_is_listed() -> None:
    assert (
        actions_in_the_code() - set().union(*(rights.all for rights in rights_by_command().values())) == set()
    )


def asked(aws: FakeAws) -> set[str]:
    """The actions that were called."""
    operations = [
        (service, "".join(word.capitalize() for word in method.split("_")))
        for service, method, _ in aws.calls
    ]
    return {f"{service}:{OTHERWISE.get(name, name)}" for service, name in operations}


@pytest.mark.parametrize("simulates", [True, False])
@pytest.mark.parametrize("kind", SITUATIONS)
def test_creating_needs_nothing_else(kind: str, simulates: bool) -> None:
    """Every situation, including those where the role must be read instead of simulated."""
    for situation in SITUATIONS[kind].values():
        aws, service, request = planned_service(situation)
        if not simulates:
            aws.failing["iam.simulate_principal_policy"] = [refusal("AccessDenied", status=403)] * 9
        plan = service.plan_create(request)
        assert asked(aws) <= rights_by_command()["esm create"].read
        if simulates:
            service.create(request, plan.id)
            assert asked(aws) <= rights_by_command()["esm create"].all


def test_the_other_commands_need_nothing_else(aws: FakeAws) -> None:
    _, service, _ = planned_service((MSK, {}, lambda _: None), aws=aws)
    uuid = aws.add_mapping()
    change = update(uuid=uuid, batch_size=7)

    commands: dict[str, Callable[[], object]] = {
        "list": lambda: service.list(),
        "get": lambda: service.get(uuid),
        "permissions": lambda: service.add_permissions(uuid, service.plan_permissions(uuid).id),
        "update": lambda: service.update(change, service.plan_update(change).id),
        "role": lambda: service.create_execution_role(
            "new-role", create(MSK), service.plan_execution_role("new-role", create(MSK)).id
        ),
        "delete": lambda: service.delete(uuid, service.plan_delete(uuid).id),
    }
    for name, carry_out in commands.items():
        aws.mappings[uuid]["State"] = "Enabled"
        aws.calls.clear()
        carry_out()
        assert aws.calls, name
        assert asked(aws) <= rights_by_command()[f"esm {name}"].all, name


FILTERS = {"filter_patterns": ['{"value": {"a": [1]}}'], "filter_kms_key_arn": KEY_ARN}


def encrypted(aws: FakeAws) -> dict[str, Callable[[], object]]:
    """Each command on filters under a customer's key, and whether its answer shows them completely."""
    service = MappingService(aws.account(), lookup_topic=lambda *_: 3, sleep=lambda _: None)
    request = create(MSK, **FILTERS)
    service.create(request, service.plan_create(request).id)
    [uuid] = aws.mappings
    aws.mappings[uuid]["State"] = "Enabled"
    change = update(uuid=uuid, filter_patterns=['{"value": {"a": [2]}}'])
    again = create(MSK, **FILTERS, kafka_topic="payments", kafka_consumer_group_id="payers")
    return {
        "get": lambda: service.get(uuid).unknown_filters,
        "create": lambda: service.create(again, service.plan_create(again).id) and None,
        "update": lambda: service.update(change, service.plan_update(change).id).mapping.unknown_filters,  # type: ignore[union-attr]
        "delete": lambda: service.delete(uuid, service.plan_delete(uuid).id).mapping.unknown_filters,  # type: ignore[union-attr]
    }


@pytest.mark.parametrize("command", ["get", "create", "update", "delete"])
def test_the_rights_of_a_command_suffice_for_filters_under_a_customers_key(
    aws: FakeAws, command: str
) -> None:
    carry_out = encrypted(aws)[command]
    for uuid in aws.mappings:
        aws.mappings[uuid]["State"] = "Enabled"
    aws.allowed = rights_by_command()[f"esm {command}"].all

    assert carry_out() is None


@pytest.mark.parametrize(
    ("command", "right"),
    [
        ("get", "kms:Decrypt"),
        ("update", "kms:Decrypt"),
        ("delete", "kms:Decrypt"),
        ("create", "kms:GenerateDataKey"),
        ("update", "kms:GenerateDataKey"),
    ],
)
def test_each_right_is_necessary(aws: FakeAws, command: str, right: str) -> None:
    """Lambda's words about a missing right are passed on and never mistaken for an absence of filters."""
    carry_out = encrypted(aws)[command]
    aws.allowed = rights_by_command()[f"esm {command}"].all - {right}

    try:
        said = str(carry_out())
    except RefusedError as error:
        said = str(error)
        assert f"allow {right}" in said or "allow that" in said

    assert right in said


def test_an_unusable_filter_key_is_found_in_the_plan(aws: FakeAws) -> None:
    _, service, _ = planned_service((MSK, {}, lambda _: None), aws=aws)
    request = create(MSK, **FILTERS)
    for state, words in (("PendingDeletion", "the key is PendingDeletion"), (None, "does not exist")):
        aws.key_states[KEY_ARN] = state
        with pytest.raises(InvalidRequestError, match=f"filter_kms_key_arn = {KEY_ARN}: {words}"):
            service.plan_create(request)
    aws.allowed = rights_by_command()["esm create"].all - {"kms:DescribeKey"}

    notes = [str(one) for one in service.plan_create(request).warnings if one.field == "filter_kms_key_arn"]

    assert len(notes) == 1
    assert "needs kms:DescribeKey and kms:GenerateDataKey" in notes[0]


def test_unreadable_filters_are_not_reported_as_none(aws: FakeAws) -> None:
    _, service, _ = planned_service((MSK, {}, lambda _: None), aws=aws)
    uuid = aws.add_mapping(KMSKeyArn=KEY_ARN, FilterCriteria={"Filters": [{"Pattern": '{"value": [1]}'}]})
    aws.allowed = rights_by_command()["esm update"].all - {"kms:Decrypt"}

    changed = service.plan_update(update(uuid=uuid, filter_patterns=['{"value": [2]}']))
    rekeyed = service.plan_update(update(uuid=uuid, filter_kms_key_arn=KEY_ARN.replace("0b7c2f", "other")))

    assert changed.differences[0].startswith("FilterCriteria: unknown (KMSAccessDeniedException: ")
    assert [one.rule for one in rekeyed.warnings if one.field == "filter_kms_key_arn"] != []
