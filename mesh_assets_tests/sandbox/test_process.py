"""Processes are recognized by more than their pid, and end with their children."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.process import (
    ProcessRecord,
    end,
    kill,
    last_relevant_line,
    load_record,
    pause,
    spawn,
)

SLEEPER = "import time; time.sleep(60)"
PARENT = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', '{SLEEPER}']); print('ready', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"


def start(folder: Path, code: str) -> ProcessRecord:
    log = folder / "log"
    record = spawn(
        [sys.executable, "-c", code], log=log, record=folder / "record.json", fingerprint="f", cwd=folder
    )
    deadline = time.monotonic() + 10
    while (
        "ready" in code
        and (not log.exists() or "ready" not in log.read_text())
        and time.monotonic() < deadline
    ):
        time.sleep(0.02)
    return record


def test_a_started_process_is_found_again_and_ended(tmp_path: Path) -> None:
    start(tmp_path, SLEEPER)
    found = load_record(tmp_path / "record.json")
    assert found is not None
    assert found.process() is not None
    end(found, grace_seconds=5)
    assert found.process() is None


def test_a_started_process_is_neither_our_child_nor_in_our_session(tmp_path: Path) -> None:
    record = start(tmp_path, SLEEPER)
    assert record.pid not in {p.pid for p in psutil.Process().children(recursive=True)}
    assert os.getsid(record.pid) != os.getsid(0)
    kill(record)
    assert record.process() is None


def test_a_stranger_that_got_the_pid_is_never_touched(tmp_path: Path) -> None:
    record = start(tmp_path, SLEEPER)
    reused = ProcessRecord(pid=record.pid, created=record.created - 3600, fingerprint="f")
    assert reused.process() is None
    end(reused, grace_seconds=1)
    kill(reused)
    pause(reused)
    stranger = record.process()
    assert stranger is not None
    assert stranger.status() != psutil.STATUS_STOPPED
    end(record, grace_seconds=5)


@pytest.mark.slow
def test_children_end_with_their_parent(tmp_path: Path) -> None:
    record = start(tmp_path, PARENT)
    process = record.process()
    assert process is not None
    (child,) = process.children()
    end(record, grace_seconds=2)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_process_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    record = start(tmp_path, STUBBORN)
    end(record, grace_seconds=0.3)
    assert record.process() is None


def test_a_paused_process_can_be_ended(tmp_path: Path) -> None:
    record = start(tmp_path, SLEEPER)
    pause(record)
    end(record, grace_seconds=5)
    assert record.process() is None


@pytest.mark.parametrize(
    "left_by_a_crash", ["", "{", '{"pid": "x", "created": 1, "fingerprint": "f"}', "[1]", '{"pid": 1}']
)
def test_half_a_record_does_not_count(tmp_path: Path, left_by_a_crash: str) -> None:
    (tmp_path / "record.json").write_text(left_by_a_crash)
    assert load_record(tmp_path / "record.json") is None


def test_a_missing_program_is_reported(tmp_path: Path) -> None:
    record = spawn(
        [str(tmp_path / "nothing")],
        log=tmp_path / "log",
        record=tmp_path / "r.json",
        fingerprint="f",
        cwd=tmp_path,
    )
    deadline = time.monotonic() + 5
    while record.process() is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert "not found" in (last_relevant_line(tmp_path / "log") or "")


def test_a_program_that_ended_early_is_found_dead_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(pid: int) -> psutil.Process:
        raise psutil.NoSuchProcess(pid)

    with monkeypatch.context() as patch:
        patch.setattr("mesh_assets.sandbox.process.psutil.Process", gone)
        record = spawn(
            ["true"], log=tmp_path / "log", record=tmp_path / "r.json", fingerprint="f", cwd=tmp_path
        )
    assert record.process() is None
    assert load_record(tmp_path / "r.json") == record


def test_a_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="could not be started"):
        spawn(
            ["true"],
            log=tmp_path / "log",
            record=tmp_path / "r.json",
            fingerprint="f",
            cwd=tmp_path / "nowhere",
        )


def test_the_relevant_line_is_the_last_problem_and_not_a_stack_frame(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        "INFO begin\nERROR disk full\n    at org.example.Disk.write(Disk.java:1)\nINFO shutting down\n"
    )
    assert last_relevant_line(log) == "ERROR disk full"
    log.write_text("INFO begin\nINFO going on\n")
    assert last_relevant_line(log) == "INFO going on"
    assert last_relevant_line(tmp_path / "none") is None
