"""A service's answer and its meaning: a JSON value, or an error that a caller can act on."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from mesh_assets.errors import PlatformError, RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.masking.configs import mask_text
from mesh_assets.platforms import Presence
from mesh_assets.platforms.http.retries import BUSY_STATUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What messages call a credential, and what to do when it is refused.

    kind: what the shown name is ("username", "Cloud key"). unknown: the advice when the service does not know
    it (401); lacking: when it knows it and refuses (403). Both complete a sentence.
    """

    kind: str
    unknown: str
    lacking: str

    def remedy(self, status: int) -> str:
        """The advice for a refusal with `status`."""
        return self.lacking if status == 403 else self.unknown


ANY_CREDENTIAL = Credential(
    kind="username",
    unknown="check the credential and its rights",
    lacking="check the credential and its rights",
)


_NOT_A_PATH = frozenset({400, 414, 422})
_MESSAGE_CHARACTERS = 300
# Far more than is kept, so that masking sees whole credentials.
_READ_CHARACTERS = 8_000
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


def one_line(text: str, *, limit: int = _MESSAGE_CHARACTERS) -> str:
    """`text`, already without secrets, as one printable line, so that an answer cannot steer a terminal or
    fill a log."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: limit * 4]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer, read to its end.

    service: its name and address, as messages show them. request: method and path. who: who asked. headers:
    found in any case. credential: the one that was used. note: why there were no more retries after a "not
    now", empty for other answers. scrub: removes the credential from the service's words.
    """

    service: str
    request: str
    who: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    credential: Credential = ANY_CREDENTIAL
    note: str = ""
    scrub: Callable[[str], str] = field(default=str, repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def error_code(self) -> int:
        """The service's own code (`error_code` or `error.code`), else the status.

        The body outranks the status: Apicurio answers 409 where Confluent answers 404, with the same 40405
        inside.
        """
        body = self._object()
        nested = body.get("error")
        for code in (body.get("error_code"), nested.get("code") if isinstance(nested, dict) else None):
            if isinstance(code, int) and not isinstance(code, bool):
                return code
            if isinstance(code, str) and code.isdecimal():
                return int(code)
        return self.status

    @property
    def message(self) -> str:
        """The service's own explanation in one line; empty when there is none."""
        body = self._object()
        nested = body.get("error")
        listed = body.get("errors")
        first = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
        # `title` is RFC 9457's, which Apicurio follows outside its Confluent-compatible paths. Confluent
        # Cloud's control plane returns a list of errors.
        said = (
            body.get("message"),
            nested.get("message") if isinstance(nested, dict) else nested,
            first.get("detail"),
            first.get("title"),
        )
        for text in (*said, body.get("title")):
            if isinstance(text, str) and text.strip():
                return self._said(text)
        text = self.body.decode("utf-8", "replace")
        if self.is_html:
            title = _TITLE.search(text[:_READ_CHARACTERS])
            return self._said(f"an HTML page, {title.group(1).strip()!r}" if title else "an HTML page")
        return self._said(text.strip().strip('"'))

    def json(self) -> Any:
        """The body's value. Raises PlatformError unless the answer is a success in JSON."""
        if not self.ok:
            raise self.error()
        if not self.body.strip():
            raise self.unexpected("with an empty body; expected JSON")
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            what = (
                "with an HTML page"
                if self.is_html
                else f"with something that is not JSON ({one_line(str(error), limit=120)})"
            )
            raise self.unexpected(f"{what}; is the url right?") from error

    def presence(self) -> Presence:
        """What the answer to a thing's own path says about it. Raises PlatformError when it says nothing."""
        if self.ok:
            return "here"
        if self.status == 404:
            return "gone"
        if self.status in (401, 403):
            return "refused"
        # Servers hold names that they refuse in a path, and keep doing so after the thing is gone: Connect
        # 4.3.1 answers 400 to `/`, `%` and `\`, and 500 to braces.
        if self.status in _NOT_A_PATH or (self.status == 500 and "%" in self.request):
            return "unaskable"
        raise self.error()

    def error(self) -> PlatformError:
        """The error that a failure status stands for; its class says who can do something about it."""
        said = f": {self.message}" if self.message else ""
        if self.status in (401, 403, 407):
            return RefusedError(
                f"{self.service} refused {self.who} ({self.status}){said}; {self.credential.remedy(self.status)} ({self.request})"
            )
        if self.status in BUSY_STATUSES or self.note:
            note = f" ({self.note})" if self.note else ""
            return UnreachableError(
                f"{self.service} cannot answer now: {self.request} returned {self.status}{said}{note}"
            )
        if 300 <= self.status < 400:
            # Without the query, which may hold a token.
            place = (
                one_line(self.scrub(self.headers.get("location", "").partition("?")[0]))
                or "somewhere it does not say"
            )
            return self.unexpected(f"with {self.status}: moved to {place}; is the url right?")
        code = f" (code {self.error_code})" if self.error_code != self.status else ""
        hint = "; is the url right?" if self.error_code == 404 else ""
        return self.unexpected(f"with {self.status}{said}{code}{hint}")

    def unexpected(self, what: str) -> UnexpectedAnswerError:
        """An UnexpectedAnswerError with the sentence: the service answered this request `what`."""
        return UnexpectedAnswerError(f"{self.service} answered {self.request} {what}")

    def _said(self, text: str) -> str:
        """The service's words without the connection's credential and anyone else's: Connect, for one, quotes
        configs in its errors."""
        return one_line(mask_text(self.scrub(text[:_READ_CHARACTERS])))

    @property
    def is_html(self) -> bool:
        return "html" in self.headers.get("content-type", "").lower() or self.body.lstrip()[
            :9
        ].lower().startswith((b"<!doctype", b"<html"))

    def _object(self) -> dict[str, Any]:
        # Error bodies may also be empty, HTML or a JSON string (Karapace, for an unknown path).
        try:
            value = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}
