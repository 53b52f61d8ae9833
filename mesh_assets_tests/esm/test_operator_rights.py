"""docs/esm.md lists every action that each command needs, and the code asks for no other."""

from collections.abc import Callable

import pytest

from mesh_assets_tests.esm.fake_aws import FakeAws, refusal
from mesh_assets_tests.esm.iam.situations import SITUATIONS, planned_service
from mesh_assets_tests.esm.operator_rights import (
    PAGE,
    actions_in_the_code,
    rights_by_command,
    with_table,
)
from mesh_assets_tests.esm.requests import MSK, create, update

# Where IAM calls an operation otherwise.
OTHERWISE = {"s3:GetBucketEncryption": "s3:GetEncryptionConfiguration"}


def test_the_page_lists_what_the_code_needs() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page) == page, "run: python -m mesh_assets_tests.esm.operator_rights"


def test_no_action_of_the_code_is_missing() -> None:
    assert (
        actions_in_the_code() - set().union(*(rights.all for rights in rights_by_command().values())) == set()
    )


def asked(aws: FakeAws) -> set[str]:
    """The actions that were called."""
    actions = {
        f"{service}:{''.join(word.capitalize() for word in method.split('_'))}"
        for service, method, _ in aws.calls
    }
    return {OTHERWISE.get(action, action) for action in actions}


@pytest.mark.parametrize("simulates", [True, False])
@pytest.mark.parametrize("kind", SITUATIONS)
def test_creating_asks_for_nothing_else(kind: str, simulates: bool) -> None:
    """Every situation, also where the role must be read instead of simulated."""
    for situation in SITUATIONS[kind].values():
        aws, service, request = planned_service(situation)
        if not simulates:
            aws.failing["iam.simulate_principal_policy"] = [refusal("AccessDenied", status=403)] * 9
        plan = service.plan_create(request)
        assert asked(aws) <= rights_by_command()["esm create"].read
        if simulates:
            service.create(request, plan.id)
            assert asked(aws) <= rights_by_command()["esm create"].all


def test_the_other_commands_ask_for_nothing_else(aws: FakeAws) -> None:
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
        assert aws.calls
        assert asked(aws) <= rights_by_command()[f"esm {name}"].all, name
