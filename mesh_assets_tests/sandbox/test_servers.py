"""Starting, stopping and probing, with small servers that need no JVM."""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.folder import Folder
from mesh_assets.sandbox.kinds.processes import FEED
from mesh_assets.sandbox.process import load_record
from mesh_assets.sandbox.progress import Lines, Progress
from mesh_assets.sandbox.server import Server, Setting
from mesh_assets.sandbox.servers import Sandbox
from mesh_assets.sandbox.state import Port, State, choose_free
from mesh_assets_tests.sandbox.small_servers import BROKER, CONNECT, NO_JAVA, REGISTRY, a_server

pytestmark = pytest.mark.slow


Make = Callable[..., Sandbox]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes sandboxes in one folder; anything still running is stopped at the end."""
    made = []

    def one(*servers: Server) -> Sandbox:
        made.append(
            Sandbox(
                tmp_path / "box", servers=servers or (BROKER, REGISTRY, CONNECT), runtime=lambda _: NO_JAVA
            )
        )
        return made[-1]

    yield one
    for box in made:
        box.stop()


def pids(box: Sandbox) -> dict[str, int | None]:
    return {s.name: s.pid for s in box.status()}


def states(box: Sandbox) -> dict[str, str]:
    return {s.name: s.state for s in box.status()}


def test_nothing_was_ever_started(make: Make) -> None:
    box = make()
    assert states(box) == {"broker": "stopped", "registry": "stopped", "connect": "stopped"}
    assert box.stop() == ()
    with pytest.raises(
        SandboxError, match=r"there is no sandbox in .*; make one with: mesh-assets sandbox start"
    ):
        box.endpoints()
    assert not box.folder.root.exists()


def test_all_start_and_the_estate_file_names_where(make: Make) -> None:
    box = make()
    ends = box.start()
    assert states(box) == {"broker": "running", "registry": "running", "connect": "running"}
    assert f'bootstrap_servers: "{ends.bootstrap_servers}"' in ends.estate_file.read_text()
    assert f'url: "{ends.connect_url}"' in ends.estate_file.read_text()
    assert ends.registry_url.endswith("/apis/ccompat/v7")


def test_a_second_start_leaves_running_servers_alone(make: Make) -> None:
    box = make()
    box.start()
    before = pids(box)
    box.start()
    assert pids(box) == before


def test_one_server_starts_with_what_it_needs_and_no_more(make: Make) -> None:
    box = make()
    box.start(["connect"])
    assert states(box) == {"broker": "running", "registry": "stopped", "connect": "running"}


def test_one_server_stops_alone(make: Make) -> None:
    box = make()
    box.start()
    assert box.stop(["broker"]) == ("broker",)
    assert states(box) == {"broker": "stopped", "registry": "running", "connect": "running"}


def test_all_stop_in_reverse_order_and_keep_their_ports(make: Make) -> None:
    box = make()
    ends = box.start()
    assert box.stop() == ("connect", "registry", "broker")
    assert box.start() == ends


def test_an_unknown_server_is_reported_with_the_known_ones(make: Make) -> None:
    with pytest.raises(
        SandboxError, match="the sandbox has no server brokr; it has broker, registry, connect"
    ):
        make().start(["brokr"])


def test_a_server_that_dies_is_reported_with_its_last_words_and_its_log(make: Make) -> None:
    dying = a_server("registry", code="import sys; sys.exit('ERROR the disk is full')")
    box = make(BROKER, dying, CONNECT)
    with pytest.raises(
        SandboxError,
        match=r'registry died while it started; its log says: "ERROR the disk is full"; read .*registry\.log',
    ):
        box.start()
    assert states(box) == {"broker": "running", "registry": "died", "connect": "running"}
    box.stop()
    assert states(box)["registry"] == "stopped"


def test_a_server_that_does_not_answer_is_reported_too(make: Make) -> None:
    mute = a_server("registry", code="print('thinking', flush=True); import time; time.sleep(60)", seconds=1)
    with pytest.raises(
        SandboxError,
        match=r"registry runs but did not answer within 1 s \(ConnectError\); .*thinking.*registry\.log",
    ):
        make(BROKER, mute, CONNECT).start()


def test_dependents_of_a_failed_server_are_not_started_and_the_cause_is_reported(make: Make) -> None:
    box = make(a_server("broker", code="raise SystemExit('ERROR no')"), REGISTRY, CONNECT)
    with pytest.raises(SandboxError, match="broker died"):
        box.start()
    assert states(box) == {"broker": "died", "registry": "running", "connect": "stopped"}


def test_a_crashed_server_is_noticed_and_started_again(make: Make) -> None:
    box = make()
    box.start()
    box.kill("registry")
    assert states(box)["registry"] == "died"
    box.start()
    assert states(box)["registry"] == "running"


def test_a_paused_server_does_not_answer_and_a_start_wakes_it(make: Make) -> None:
    box = make()
    box.start()
    before = pids(box)
    box.pause("registry")
    (status,) = box.status(["registry"])
    assert (status.state, status.said) == ("not answering", "ReadTimeout")
    box.start()
    assert pids(box) == before


def test_a_server_whose_settings_changed_is_restarted_alone(make: Make) -> None:
    box = make()
    box.start()
    before = pids(box)
    other = replace(
        REGISTRY, launch=lambda setting, java: replace(REGISTRY.launch(setting, java), also="new")
    )
    make(BROKER, other, CONNECT).start()
    after = pids(box)
    assert after["registry"] != before["registry"]
    assert (after["broker"], after["connect"]) == (before["broker"], before["connect"])


def test_leftover_state_of_a_crash_is_not_an_obstacle(make: Make) -> None:
    box = make()
    ends = box.start()
    for name in box.names:
        box.kill(name)
    box.folder.record("broker").write_text('{"pid": 1')
    record = load_record(box.folder.record("connect"))
    assert record is not None
    # After a reboot, another process may have the pid, e.g. this one.
    box.folder.record("connect").write_text(
        json.dumps({"pid": os.getpid(), "created": 1.0, "fingerprint": "f"})
    )
    assert box.start() == ends
    assert set(states(box).values()) == {"running"}


def test_two_simultaneous_starts_start_each_server_once(make: Make) -> None:
    box = make()
    lines: list[str] = []
    threads = [threading.Thread(target=box.start, kwargs={"progress": Lines(lines.append)}) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(line for line in lines if line.startswith("starting")) == [
        "starting broker (a small server)",
        "starting connect (a small server)",
        "starting registry (a small server)",
    ]


def test_independent_servers_start_together(make: Make) -> None:
    all_started = threading.Barrier(3, timeout=20)

    def answering_once_all_have_started(server: Server) -> Server:
        first_question = iter([True])

        def answers(setting: Setting) -> str | None:
            if next(first_question, False):
                all_started.wait()
            return server.answers(setting)

        return replace(server, answers=answers)

    box = make(*map(answering_once_all_have_started, (BROKER, REGISTRY, replace(CONNECT, needs=()))))
    box.start()
    assert set(states(box).values()) == {"running"}


def test_a_server_that_only_needs_an_answer_starts_before_the_other_is_filled_and_is_filled_after_it(
    make: Make,
) -> None:
    order: list[str] = []
    connect_runs = threading.Event()

    def fill_broker(setting: Setting, progress: Progress) -> None:  # noqa: ARG001
        assert connect_runs.wait(10), "connect waits for more than an answer"
        order.append("broker")

    def connect_answers(setting: Setting) -> str | None:
        said = CONNECT.answers(setting)
        if said is None:
            connect_runs.set()
        return said

    broker = replace(BROKER, seed=fill_broker)
    connect = replace(
        CONNECT,
        answer_suffices=("broker",),
        answers=connect_answers,
        seed=lambda setting, progress: order.append("connect"),  # noqa: ARG005
    )
    make(broker, REGISTRY, connect).start()
    assert order == ["broker", "connect"]


def test_the_feed_is_not_restarted_because_python_was_called_by_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = {"broker": Port(1), "cloud-broker": Port(2), "registry": Port(3)}
    setting = Setting(folder=Folder(tmp_path), state=State(kafka_cluster_id="id", ports=ports))
    prints = set()
    for name in ("python", "python3"):
        monkeypatch.setattr(sys, "executable", str(Path(sys.prefix, "bin", name)))
        prints.add(FEED.launch(setting, NO_JAVA).fingerprint)
    assert len(prints) == 1


def test_a_broker_that_moves_restarts_its_users(make: Make) -> None:
    using = replace(
        CONNECT,
        launch=lambda setting, java: replace(
            CONNECT.launch(setting, java), also=setting.state.bootstrap_servers
        ),
    )
    box = make(BROKER, REGISTRY, using)
    box.start()
    before = pids(box)
    lines: list[str] = []
    free = choose_free(())
    ends = box.start(["broker"], ports={"broker": free}, progress=Lines(lines.append))
    after = pids(box)
    assert ends.bootstrap_servers == f"127.0.0.1:{free}"
    assert after["registry"] == before["registry"]
    assert after["connect"] not in (None, before["connect"])
    assert [line for line in lines if line.startswith("stopping")] == [
        "stopping connect, since its settings have changed",
        "stopping broker, since its settings have changed",
    ]
