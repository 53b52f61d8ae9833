import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mesh_assets.access_checks import AccessCheck, check_estate
from mesh_assets.cli import estate as command
from mesh_assets.cli.estate import estate
from mesh_assets.estate.model import Estate
from mesh_assets.estate.schema import estate_schema, included_schema
from mesh_assets.sandbox.servers import Endpoints, Sandbox

KAFKA = AccessCheck(
    cluster="warehouse",
    system="kafka",
    endpoint="b:9092",
    identity="alice (PLAIN)",
    state="ok",
    facts={"cluster_id": "abc", "brokers": 1, "topics": 9_003, "selected_topics": 9_000, "groups": 2},
    rights="all (a super user, or no authorizer)",
)
CONNECT = AccessCheck(
    cluster="warehouse",
    system="connect",
    endpoint="http://c:8083",
    identity="anonymous",
    state="ok",
    facts={"version": "4.3.1", "connectors": 40, "kafka_cluster_id": "abc", "belongs_to": "this cluster"},
    rights="reads",
    notes=("a note",),
)
FAILED = AccessCheck(
    cluster="lake",
    system="kafka",
    endpoint="",
    identity="",
    state="failed",
    facts={},
    missing=("kafka.password: not set",),
)
INCOMPLETE = AccessCheck(
    cluster="lake",
    system="connect",
    endpoint="http://d:8083",
    identity="anonymous",
    state="incomplete",
    facts={"version": "4.3.1", "connectors": 1, "kafka_cluster_id": "abc", "belongs_to": "another cluster"},
    rights="reads",
    missing=("it belongs to another",),
)


def check(*arguments: str) -> Result:
    return CliRunner().invoke(estate, ["check", *arguments])


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[AccessCheck]:
    """What the check finds; the test fills it."""
    checks: list[AccessCheck] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MESH_ESTATE", raising=False)
    Path("estate.yaml").write_text("clusters:\n  warehouse:\n    kafka: {bootstrap_servers: 'b:9092'}\n")

    def fake(_estate: Estate, _names: Sequence[str]) -> tuple[AccessCheck, ...]:
        return tuple(checks)

    monkeypatch.setattr(command, "check_estate", fake)
    return checks


def test_the_table_has_a_line_for_each_system(found: list[AccessCheck]) -> None:
    found += [KAFKA, CONNECT]
    result = check()
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [re.split(r" {2,}", line.strip()) for line in lines[:3]] == [
        ["cluster", "system", "endpoint", "as", "answers", "rights"],
        [
            "ok",
            "warehouse",
            "kafka",
            "b:9092",
            "alice (PLAIN)",
            "cluster id abc, 1 broker, 9,003 topics, 9,000 selected, 2 groups",
            "all (a super user, or no authorizer)",
        ],
        [
            "ok",
            "warehouse",
            "connect",
            "http://c:8083",
            "anonymous",
            "version 4.3.1, 40 connectors, belongs to this cluster",
            "reads",
        ],
    ]
    assert (
        len({line.index(word) for line, word in zip(lines, ("rights", "all (", "reads"), strict=False)}) == 1
    )
    assert lines[3:] == [
        "",
        "Good to know",
        "  warehouse, connect: a note",
        "",
        "Discovery has everything it needs (1 cluster of estate.yaml).",
    ]


def test_settings_that_do_nothing_are_listed_below_unless_single_clusters_are_checked(
    found: list[AccessCheck], monkeypatch: pytest.MonkeyPatch
) -> None:
    found += [KAFKA]
    monkeypatch.setattr(command, "read_idle_settings", lambda *_: ("domains.overrides: …",))

    assert check().stdout.splitlines()[2:5] == ["", "Settings that do nothing", "  domains.overrides: …"]
    assert check("--json").stderr == "note: domains.overrides: …\n"
    assert "Settings" not in check("--cluster", "warehouse").stdout


def test_the_systems_are_checked_even_if_the_documents_cannot_be_read(
    found: list[AccessCheck], monkeypatch: pytest.MonkeyPatch
) -> None:
    found += [KAFKA]
    monkeypatch.setenv("MESH_STORE", "estate.yaml")  # no folder

    result = check()

    assert result.exit_code == 0
    assert "  not known, because the documents cannot be read: " in result.stdout


def test_missing_rights_are_listed_below_and_make_the_exit_code_1(found: list[AccessCheck]) -> None:
    found += [KAFKA, FAILED, INCOMPLETE]
    result = check()
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["ok", "FAILED", "MISSING"]
    assert "kafka cluster id abc, belongs to another cluster" in lines[3]
    assert lines[4:] == [
        "",
        "What is wrong",
        "  lake, kafka: kafka.password: not set",
        "  lake, connect: it belongs to another",
        "",
        "1 of 3 systems is ready for discovery.",
    ]


def test_json_is_the_array_of_findings_and_nothing_else(found: list[AccessCheck]) -> None:
    found += [KAFKA, FAILED]
    result = check("--json")
    assert result.exit_code == 1
    kafka, failed = json.loads(result.stdout)
    assert (kafka["state"], kafka["facts"]["topics"], kafka["missing"]) == ("ok", 9_003, [])
    assert failed["missing"] == ["kafka.password: not set"]


def test_a_narrow_terminal_puts_what_does_not_fit_on_lines_of_its_own(
    found: list[AccessCheck], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found += [KAFKA, FAILED]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        command.check.main([], standalone_mode=False)
    assert capsys.readouterr().out.splitlines()[:5] == [
        "        cluster    system  endpoint  as",
        "ok      warehouse  kafka   b:9092    alice (PLAIN)",
        "         cluster id abc, 1 broker, 9,003 topics, 9,000 selected, 2 groups",
        "         all (a super user, or no authorizer)",
        "FAILED  lake       kafka   -         -",
    ]


def test_an_unknown_cluster_is_refused(found: list[AccessCheck], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "check_estate", check_estate)
    assert found == []
    result = check("--cluster", "x")
    assert result.exit_code == 1
    assert str(result.exception) == "the estate has no cluster 'x'; it has: warehouse"


@pytest.mark.sandbox
def test_the_sandbox_is_ready_for_discovery(
    sandbox: Sandbox, endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sandbox.names
    monkeypatch.setenv("MESH_ESTATE", str(endpoints.estate_file))
    result = check("--cluster", "warehouse")
    assert result.exit_code == 0, result.stdout
    lines = result.stdout.splitlines()
    assert [line.split()[:3] for line in lines[1:5]] == [
        ["ok", "warehouse", "kafka"],
        ["ok", "warehouse", "events"],
        ["ok", "warehouse", "schema"],
        ["ok", "warehouse", "connect"],
    ]
    assert "37 selected" in lines[1]
    assert "40 connectors, belongs to this cluster" in lines[4]
    # A broker without an authorizer reports every operation to an anonymous client.
    assert lines[1].endswith("all, and so may everyone")


@pytest.mark.parametrize("included", [False, True])
def test_the_schema_is_printed_as_json(included: bool) -> None:
    printed = CliRunner().invoke(estate, ["schema", *(["--included"] if included else [])])

    assert printed.exit_code == 0
    assert json.loads(printed.output) == (included_schema() if included else estate_schema())
