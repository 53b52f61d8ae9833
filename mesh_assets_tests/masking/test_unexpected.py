"""Nothing that a process says about an exception holds a secret that the exception quotes."""

import os
import subprocess
import sys
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.errors import MeshError, UnreachableError
from mesh_assets.masking.unexpected import masked, unexpected

SECRET = "s3cr3t-Value_42"
QUOTES = (
    f"https://app:{SECRET}@db/x",
    f"password={SECRET}",
    f"the password is {SECRET}",
    f'{{"token": "{SECRET}"}}',
)


class OddError(Exception):
    def __init__(self, url: str) -> None:
        self.url = url

    def __str__(self) -> str:
        return f"cannot read {self.url}"


class SilentError(Exception):
    def __str__(self) -> str:
        raise RuntimeError(QUOTES[0])


def raised(error: BaseException, *causes: BaseException, implicit: bool = False) -> BaseException:
    """`error`, as it is when it was raised while `causes` were handled, the last of them first."""
    try:
        if causes:
            try:
                raise raised(*causes, implicit=implicit)
            except BaseException as cause:
                if implicit:
                    raise error  # noqa: B904 - so that the cause is its context
                raise error from cause
        raise error
    except BaseException as caught:
        return caught


@pytest.mark.parametrize("quote", QUOTES)
@pytest.mark.parametrize("implicit", [False, True])
def test_an_exception_is_masked_with_all_its_causes_and_prints_as_before(quote: str, implicit: bool) -> None:
    group = ExceptionGroup(quote, [ValueError(quote), ExceptionGroup("inner", [OddError(quote)])])
    noted = OSError(2, quote, "/etc/x")
    noted.add_note(quote)
    error = raised(OddError(quote), KeyError(quote), noted, group, UnreachableError(quote), implicit=implicit)
    printed = "".join(traceback.format_exception(error))
    assert printed.count(SECRET) >= 8, "nothing to mask would prove nothing"

    shown = "".join(traceback.format_exception(masked(error)))

    assert SECRET not in shown
    names = (
        "OddError: cannot read",
        "KeyError",
        "FileNotFoundError",
        "ExceptionGroup",
        "UnreachableError",
        "ValueError",
    )
    assert [name for name in names if name not in shown] == []
    assert shown.count("Traceback (most recent call last)") == printed.count(
        "Traceback (most recent call last)"
    )
    assert ("During handling" in shown) == implicit


def test_a_mesh_error_keeps_the_class_that_callers_act_on() -> None:
    error = UnreachableError(f"{QUOTES[0]} does not answer", 7)

    assert masked(error) is error
    assert error.args == ("https://********@db/x does not answer", 7)


def test_circular_causes_and_failing_texts_stop_nothing() -> None:
    first, second = ValueError(QUOTES[0]), SilentError()
    first.__cause__, second.__cause__ = second, first

    shown = "".join(traceback.format_exception(masked(first)))

    assert SECRET not in shown
    assert "its text is not available: RuntimeError" in shown


@given(
    st.lists(st.sampled_from((ValueError, KeyError, MeshError, OddError)), min_size=1, max_size=40),
    st.booleans(),
)
def test_no_chain_of_causes_shows_a_secret(kinds: list[type[Exception]], implicit: bool) -> None:
    error = raised(*(kind(QUOTES[0]) for kind in kinds), implicit=implicit)

    assert SECRET not in "".join(traceback.format_exception(masked(error)))


def test_the_sentence_of_an_unexpected_exception_says_what_and_where_with_the_cause_masked() -> None:
    error = raised(OddError(QUOTES[0]))
    assert isinstance(error, Exception)

    told = unexpected(error)

    assert str(told).startswith("unexpected OddError at ")
    assert "cannot read https://********@db/x; this is a fault of mesh-assets" in str(told)
    assert SECRET not in "".join(traceback.format_exception(told))


# A separate process, since the hooks are global. The secret comes from outside, since a traceback shows lines of code.
_SAYING = """
import logging, os, threading
from mesh_assets.masking.unexpected import mask_what_this_process_says
mask_what_this_process_says()
mask_what_this_process_says()
quote = os.environ["QUOTE"]
logging.basicConfig(format="%(name)s %(message)s")
class Destroyed:
    def __del__(self):
        raise ValueError(quote)
def fail():
    raise OSError(quote)
try:
    fail()
except OSError:
    logging.getLogger("mcp.server").exception("Tool %r raised", "find")
logging.getLogger("uvicorn.error").error("refused %s by %s", quote, "db")
logging.getLogger("httpx").warning("one %s too many", quote, "argument")
logging.getLogger("plain").warning("%d of %s", 3, "topics")
thread = threading.Thread(target=fail, name="reader")
thread.start()
thread.join()
destroyed = Destroyed()
del destroyed
raise KeyError(quote) from ValueError(quote)
"""


def test_nothing_that_a_process_logs_or_prints_about_failures_shows_a_secret() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SAYING],
        env={**os.environ, "QUOTE": "; ".join(QUOTES)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 1
    assert SECRET not in done.stderr + done.stdout
    said = (
        "mcp.server Tool 'find' raised",
        "OSError: ",
        "uvicorn.error refused ",
        " by db\n",
        "plain 3 of topics\n",
        "Exception in thread reader",
        "Exception ignored",
        "The above exception was the direct cause",
        "KeyError: ",
    )
    assert [one for one in said if one not in done.stderr] == [], done.stderr
    assert done.stderr.count("********") == 7 * len(QUOTES)


_COMMAND = """
import os
import mesh_assets.cli.main as command
import mesh_assets.fleet.loading
def fail(*_):
    raise OSError(os.environ["QUOTE"])
mesh_assets.fleet.loading.load_estate = fail
command.main(["discover"])
"""


@pytest.mark.slow
def test_a_command_that_fails_unexpectedly_prints_a_masked_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND],
        env={**os.environ, "QUOTE": "; ".join(QUOTES)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 1
    assert SECRET not in done.stderr + done.stdout
    assert "OSError: " in done.stderr
    assert "********" in done.stderr


def test_a_log_record_without_secrets_is_unchanged() -> None:
    code = """import logging
from mesh_assets.masking.unexpected import mask_what_this_process_says
mask_what_this_process_says()
record = logging.getLogRecordFactory()("a", 20, "f", 1, "%s of %d", ("x", 2), None)
print(record.msg, record.args)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert done.stdout == "%s of %d ('x', 2)\n"


def test_a_message_that_cannot_be_formatted_does_not_fail_its_caller() -> None:
    code = """import logging, sys
from mesh_assets.masking.unexpected import mask_what_this_process_says
logging.basicConfig(stream=sys.stdout, format="%(message)s")
mask_what_this_process_says()
class Odd:
    def __repr__(self):
        raise RuntimeError("password=hunter2")
logger = logging.getLogger("a.library")
logger.warning("%(missing)s", {"password": "hunter2"})
logger.warning("%d", "password=hunter2")
logger.warning("%s", Odd())
logger.warning(Odd())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert done.stdout.splitlines() == [
        "%(missing)s {'password': '********'}",
        "%d ('password=********',)",
        *["(a message of a.library that is not available: RuntimeError)"] * 2,
    ]
    assert "hunter2" not in done.stderr
