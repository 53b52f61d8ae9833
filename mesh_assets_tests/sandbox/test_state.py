"""What is remembered between starts: ports are kept, and leftover state of a crash is not an obstacle."""

import multiprocessing
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.estate_file import estate_text, write_estate_file
from mesh_assets.sandbox.folder import Folder, sandbox_folder
from mesh_assets.sandbox.state import (
    LOOPBACK,
    Port,
    State,
    choose_free,
    is_free,
    load_state,
    new_state,
    plan_ports,
    save_state,
)


@pytest.fixture
def a_taken_port() -> Iterator[int]:
    with socket.socket() as stranger:
        stranger.bind((LOOPBACK, 0))
        stranger.listen(1)
        yield stranger.getsockname()[1]


def test_ports_are_chosen_at_first_and_kept_later() -> None:
    first, notes = plan_ports(["broker", "connect"], kept={}, given={}, running=())
    assert notes == []
    assert first["broker"] != first["connect"]
    again, notes = plan_ports(["broker", "connect"], kept=first, given={}, running=())
    assert (again, notes) == (first, [])


def test_a_kept_port_taken_by_a_stranger_is_replaced_and_the_stranger_named(a_taken_port: int) -> None:
    ports, notes = plan_ports(["broker"], kept={"broker": Port(a_taken_port)}, given={}, running=())
    assert ports["broker"].number != a_taken_port
    (note,) = notes
    assert f"port {a_taken_port} of broker was taken by" in note
    assert f"(pid {os.getpid()}): broker moves to {ports['broker'].number}" in note


def test_a_given_port_is_used_kept_and_never_replaced(a_taken_port: int) -> None:
    free = choose_free(())
    ports, _ = plan_ports(["broker"], kept={}, given={"broker": free}, running=())
    assert ports == {"broker": Port(free, given=True)}
    with pytest.raises(
        SandboxError, match=f"port {a_taken_port}, given for broker, is taken by .*pid {os.getpid()}"
    ):
        plan_ports(["broker"], kept={}, given={"broker": a_taken_port}, running=())
    with pytest.raises(SandboxError, match="is taken by"):
        plan_ports(["broker"], kept={"broker": Port(a_taken_port, given=True)}, given={}, running=())


def test_the_port_of_a_running_server_is_rightly_in_use(a_taken_port: int) -> None:
    kept = {"broker": Port(a_taken_port)}
    assert plan_ports(["broker"], kept=kept, given={}, running={"broker"}) == (kept, [])


def test_a_listening_port_is_not_free(a_taken_port: int) -> None:
    assert not is_free(a_taken_port)


A_STATE = State(
    kafka_cluster_id="nW6fj1hDQ0mXDE0vTQy-Xw",
    ports={"broker": Port(1), "connect": Port(2), "registry": Port(3, given=True)},
)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / "box")
    folder.make()
    return folder


def test_saved_state_is_loaded(folder: Folder) -> None:
    assert load_state(folder) is None
    save_state(folder, A_STATE)
    assert load_state(folder) == A_STATE


@pytest.mark.parametrize("left_by_a_crash", ["", "{", "[]", "{}"])
def test_a_broken_state_file_counts_as_no_state(folder: Folder, left_by_a_crash: str) -> None:
    folder.state_file.write_text(left_by_a_crash)
    assert load_state(folder) is None


def test_a_cluster_id_has_kafkas_format() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{21}", new_state().kafka_cluster_id)


def test_the_estate_file_names_all_endpoints(folder: Folder) -> None:
    write_estate_file(folder, A_STATE, with_aws=False)
    assert yaml.safe_load(folder.estate_file.read_text()) == {
        "clusters": {
            "warehouse": {
                "environment": {"id": "env-sandbox", "name": "sandbox"},
                "kafka": {"bootstrap_servers": "127.0.0.1:1"},
                "schema_registry": {"url": "http://127.0.0.1:3/apis/ccompat/v7"},
                "connect": [{"kind": "kafka_connect", "url": "http://127.0.0.1:2"}],
                "metrics": {"kind": "offsets"},
            }
        }
    }
    assert folder.estate_file.read_text() == estate_text(A_STATE, with_aws=False)


def test_the_estate_file_names_the_stand_in_for_mappings_where_it_was_started() -> None:
    state = A_STATE.with_ports({**A_STATE.ports, "lambda": Port(9)})

    assert "esm" not in yaml.safe_load(estate_text(state))
    assert yaml.safe_load(estate_text(state, with_mappings=True))["esm"] == {
        "accounts": [{"region": "us-east-1", "endpoint_url": "http://127.0.0.1:9"}]
    }


def test_the_folder_is_the_given_one_or_the_environments_or_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MESH_SANDBOX", str(tmp_path / "elsewhere"))
    assert sandbox_folder(tmp_path / "given") == tmp_path / "given"
    assert sandbox_folder() == tmp_path / "elsewhere"
    monkeypatch.delenv("MESH_SANDBOX")
    monkeypatch.chdir(tmp_path)
    assert sandbox_folder() == tmp_path / ".sandbox"


def test_a_second_command_waits_and_then_says_so(folder: Folder) -> None:
    with (
        folder.lock(timeout_seconds=1),
        pytest.raises(SandboxError, match="another command has been working on the sandbox"),
        Folder(folder.root).lock(timeout_seconds=0.3),
    ):
        pass


def _hold_and_die(root: Path) -> None:
    lock = Folder(root).lock(timeout_seconds=1)
    lock.__enter__()
    multiprocessing.current_process().kill()


def test_a_lock_ends_with_its_process(folder: Folder) -> None:
    holder = multiprocessing.get_context("spawn").Process(target=_hold_and_die, args=(folder.root,))
    holder.start()
    holder.join(timeout=20)
    with folder.lock(timeout_seconds=1):
        pass
