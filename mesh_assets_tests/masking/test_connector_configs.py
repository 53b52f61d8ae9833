"""No secret in the table of configs leaks in any way, and everything else stays readable."""

import json
import re
from collections.abc import Mapping

import msgspec
import pytest

from mesh_assets.collecting.connectors import connector_record
from mesh_assets.diff import diff_documents
from mesh_assets.masking.configs import mask_config, mask_field, mask_text
from mesh_assets.mcp_server.watching import shown_argument
from mesh_assets.platforms.connect.connectors import Connector, ConnectorTask
from mesh_assets_tests.documents import a_connector, a_document
from mesh_assets_tests.masking.connector_configs import CONFIGS

_MARKED = re.compile("«(.*?)»", re.DOTALL)
every_config = pytest.mark.parametrize(
    "marked", [config for _, config in CONFIGS], ids=[name.rpartition(".")[2] for name, _ in CONFIGS]
)


def _raw(marked: Mapping[str, str]) -> dict[str, str]:
    return {key: value.replace("«", "").replace("»", "") for key, value in marked.items()}


def _secrets(marked: Mapping[str, str]) -> list[str]:
    return [secret for value in marked.values() for secret in _MARKED.findall(value)]


def _leaked(secrets: list[str], text: str) -> list[str]:
    """The secrets in `text`, verbatim or JSON-escaped once or twice."""
    found = []
    for secret in secrets:
        escaped = json.dumps(secret)[1:-1]
        if any(form in text for form in (secret, escaped, json.dumps(escaped)[1:-1])):
            found.append(secret)
    return found


def _dumps(config: Mapping[str, str]) -> dict[str, str]:
    """A config as traces and messages quote it: Connect's log, JSON, Java's maps, a quoted JSON."""
    return {
        "log": "ConnectorConfig values: \n"
        + "".join(f"\t{key} = {value}\n" for key, value in config.items()),
        "json": json.dumps(config),
        "map": "{" + ", ".join(f"{key}={value}" for key, value in config.items()) + "}",
        "quoted": json.dumps(json.dumps(config)),
    }


def test_the_table_is_large_and_of_real_classes() -> None:
    assert len(CONFIGS) >= 60
    assert len({name for name, _ in CONFIGS}) >= 60
    assert sum(len(_secrets(config)) for _, config in CONFIGS) >= 130


@every_config
def test_no_secret_is_left_and_everything_else_stays(marked: dict[str, str]) -> None:
    masked = mask_config(_raw(marked))

    assert _leaked(_secrets(marked), json.dumps(masked)) == []
    for key, value in marked.items():
        shown = masked[key] or ""
        # Not even its tail, which a delimiter within a password could leave behind.
        assert [s for s in _MARKED.findall(value) if len(s) > 6 and (s[-4:] in shown or s[:4] in shown)] == []
        assert [piece for piece in _MARKED.split(value)[::2] if piece not in shown] == []


@every_config
def test_masking_a_masked_config_changes_nothing(marked: dict[str, str]) -> None:
    masked = mask_config(_raw(marked))

    assert mask_config(masked) == masked


@every_config
def test_no_text_that_quotes_a_config_gives_a_secret_away(marked: dict[str, str]) -> None:
    secrets = _secrets(marked)

    leaks = {form: _leaked(secrets, mask_text(text)) for form, text in _dumps(_raw(marked)).items()}

    assert leaks == {"log": [], "json": [], "map": [], "quoted": []}


@every_config
def test_a_record_and_its_changes_hold_no_secret_whatever_the_trace_quotes(marked: dict[str, str]) -> None:
    raw = _raw(marked)
    # A three-letter password occurs in many words. Errors also quote the others without their surroundings.
    secrets = [secret for secret in _secrets(marked) if len(secret) > 4]
    trace = "ConnectException: cannot log in with " + " or with ".join((*secrets, *_dumps(raw).values()))
    record = connector_record(
        "main",
        Connector(
            name="a",
            type="sink",
            connector_class="x",
            state="FAILED",
            worker_id=None,
            trace=trace,
            config=raw,
            tasks=(ConnectorTask(id=0, state="FAILED", worker_id=None, trace=trace),),
        ),
    )
    with_it, without = a_document(connectors=(record,)), a_document()
    written = [
        msgspec.json.encode(with_it),
        msgspec.json.encode(diff_documents(without, with_it)),
        msgspec.json.encode(diff_documents(with_it, without)),
    ]

    assert [_leaked(secrets, text.decode()) for text in written] == [[], [], []]


@every_config
def test_a_secret_kept_in_clear_by_an_older_build_is_not_shown_by_a_change(marked: dict[str, str]) -> None:
    raw = _raw(marked)
    kept, read = a_connector(config=raw), a_connector(config=mask_config(raw))
    told = [
        diff_documents(a_document(connectors=before), a_document(connectors=after))
        for before, after in (((kept,), (read,)), ((kept,), ()))
    ]

    assert _leaked(_secrets(marked), msgspec.json.encode(told).decode()) == []


@every_config
def test_the_audit_log_holds_no_secret(marked: dict[str, str]) -> None:
    raw = _raw(marked)
    secrets = _secrets(marked)

    assert _leaked(secrets, str(shown_argument("config", raw))) == []
    assert _leaked(secrets, mask_field("config", json.dumps(raw))) == []
