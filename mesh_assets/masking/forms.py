"""Secrets recognised by their form alone: private keys, tokens, logins in URLs and of Oracle, and what
follows a telltale word in a sentence. Each reader yields the places of the secrets, from left to right.
"""

import re
from collections.abc import Iterable, Iterator

Span = tuple[int, int]

_PEM = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
# Prefixes as their issuers publish them (for the secret scanning of code hosts). Each starts where a word
# starts and takes the whole word.
_TOKEN = re.compile(
    r"(?<![A-Za-z0-9_])(?:"
    r"A(?:KIA|SIA)[0-9A-Z]{16}\b"  # AWS
    r"|eyJ[\w-]{8,}+\.eyJ[\w-]{8,}+(?:\.[\w-]*+)?"  # JSON Web Token
    r"|gh[pousr]_\w{30,}+|github_pat_\w{22,}+|glpat-[\w-]{20,}+"  # GitHub, GitLab
    r"|xox[abeoprs]-[\w-]{10,}+|xapp-[\w-]{10,}+"  # Slack
    r"|AIza[\w-]{35}|ya29\.[\w-]{20,}+|GOCSPX-[\w-]{20,}+"  # Google
    r"|[rs]k_(?:live|test)_\w{10,}+|whsec_[\w+/=]{16,}+"  # Stripe
    r"|SG\.[\w-]{16,}+\.[\w-]{16,}+"  # SendGrid
    r"|sk-(?:ant-|proj-)?[\w-]{20,}+|hf_[A-Za-z0-9]{30,}+"  # Anthropic, OpenAI, Hugging Face
    r"|npm_[A-Za-z0-9]{36}|pypi-[\w-]{30,}+|dckr_pat_[\w-]{20,}+"  # registries
    r"|hv[sbr]\.[\w-]{20,}+"  # Vault
    r"|do[opr]_v1_[0-9a-f]{40,}+|dapi[0-9a-f]{32}(?:-\d)?|cflt[\w+/=]{40,}+"  # DigitalOcean, Databricks, Confluent
    r"|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|NRAK-[A-Z0-9]{20,}+|glsa_\w{32,}+|PMAK-[\w-]{30,}+|ATATT3[\w=-]{30,}+"
    r"|lin_api_\w{30,}+|xkeysib-[\w-]{40,}+|AGE-SECRET-KEY-1[0-9A-Z]{20,}+"
    r"|S[ACNOUX][A-Z2-7]{56}\b"  # a seed of NATS, by its form
    r")"
)
_SCHEME = re.compile(
    r"(?<![\w-])(?:Bearer|Basic)(?:[ \t]|%(?:25){0,4}20){1,4}(?P<token>[\w+/=.~:-]{8,}+)", re.IGNORECASE
)
_WEBHOOK = re.compile(
    r"(?:https://(?:hooks\.slack\.com/(?:services|workflows|triggers)/|(?:[\w-]{1,40}\.)?discord(?:app)?\.com/api/webhooks/"
    r"|[\w.-]{1,80}\.webhook\.office\.com/|outlook\.office(?:365)?\.com/webhook/|hooks\.zapier\.com/hooks/|maker\.ifttt\.com/trigger/"
    r"|api\.telegram\.org/bot|events\.pagerduty\.com/integration/))(?P<right>[^\s\"'<>|,;]++)",
    re.IGNORECASE,
)


def private_keys(text: str) -> Iterator[Span]:
    if "PRIVATE KEY" not in text:
        return
    done = 0
    while found := _PEM.search(text, done):
        end = _PEM_END.search(text, found.end())
        done = len(text) if end is None else end.end()
        yield found.start(), done


def rights_of_webhooks(text: str) -> Iterator[Span]:
    return (found.span("right") for found in _WEBHOOK.finditer(text))


def tokens(text: str) -> Iterator[Span]:
    return (found.span() for found in _TOKEN.finditer(text))


def tokens_after_schemes(text: str) -> Iterator[Span]:
    """`Basic authentication` is prose; a token has digits, padding or capitals within."""
    for found in _SCHEME.finditer(text):
        token = found["token"]
        if len(token) >= 32 or any(c.isdigit() or c in "=+/" for c in token) or not token[1:].islower():
            yield found.span("token")


# Credentials in URLs.

_URL_CHARACTERS = 1_000
_SCHEME_CHARACTERS = 40
_URL_END = re.compile(r"[\s\"'<>`|]")
_SCHEME_NAME = re.compile(r"[A-Za-z][A-Za-z0-9+.:-]*$")
_PORT = re.compile(r"[^:/?#]*:\d{1,5}(?:[/?#]|$)")
# `;` does not end these, and `/`, `#` and `@` may appear in passwords unescaped.
_WEB = ("http", "https", "ws", "wss", "ftp")
_ORACLE = re.compile(r"jdbc:oracle:[a-z0-9]{1,10}:[^/@\s]{0,128}/(?P<rest>[^\s]{1,1000})", re.IGNORECASE)
_ORACLE_PLAIN = re.compile(
    r"(?<![\w./@-])[A-Za-z][\w$#]{0,60}+/(?P<password>[^\s/@\"']{1,128}+)@(?!sha\d)(?=//|[\w-]++(?:\.[\w-]++)*+:\d{2,5}\b|\()"
)


def logins_of_urls(text: str) -> Iterator[Span]:
    done = 0
    at = text.find("://")
    while at >= 0:
        start = at + 3
        limit = min(len(text), start + _URL_CHARACTERS)
        found = _URL_END.search(text, start, limit)
        end = limit if found is None else found.start()
        if text.find("@", start, end) < 0:
            at = text.find("://", end)
            continue
        scheme = _SCHEME_NAME.search(text[max(done, at - _SCHEME_CHARACTERS) : at])
        host = None if scheme is None else _host_start(scheme[0].rpartition(":")[2].lower(), text[start:end])
        if host is not None:
            yield start, start + host
            done = start = start + host
        at = text.find("://", start)


def _host_start(scheme: str, url: str) -> int | None:
    """Where the `@` before the host is, in a URL without its scheme; None if the URL names no user."""
    authority = re.split(r"[/?#]", url, maxsplit=1)[0]
    if scheme in _WEB:
        if "@" in authority:
            return authority.rindex("@")
        # `user:pa/ss@host`; not `host:8080/path@v1`.
        return url.rindex("@") if ":" in authority and not _PORT.match(url) else None
    before_query = url.partition("?")[0]
    return (before_query if "@" in before_query else url).rindex("@")


def passwords_of_oracle(text: str) -> Iterator[Span]:
    for found in _ORACLE.finditer(text):
        if (length := found["rest"].rfind("@")) > 0:
            yield found.start("rest"), found.start("rest") + length


def passwords_of_sqlplus(text: str) -> Iterator[Span]:
    return (found.span("password") for found in _ORACLE_PLAIN.finditer(text))


# Sentences: `password hunter2`, `the token is 5f3c…`.
#
# A word cannot be told from a password made only of letters: `password swordfish` and `password
# authentication` have one form. So what follows a telltale word is a secret if it is not a word, that is, if
# it holds a digit or a sign that words do not have. What systems write there (names of algorithms, versions,
# dates, places in files) is known and stays.

_BLANK = r"(?:[ \t\xa0\u2007\u202f\u3000]|%(?:25){0,4}(?:20|09)){1,8}"
_JOINED = r"is|was|are|were|be|being|now|set|changed|reset|to|equals?|used|given|sent|provided|value|[:=]"
_TELLING = re.compile(
    r"(?<![A-Za-z0-9])(?:(?P<own>pass(?:word|wd|phrase|code)|pwd|passwort|kennwort|credentials?)"
    r"|(?P<shared>(?:api|access|secret|private|account|auth|signing|encryption|shared|master)[ _-]?key|token|secret))"
    rf"(?:{_BLANK}(?:for|of){_BLANK}(?:(?:the|user|account){_BLANK}){{0,2}}[^\s%]{{1,100}}?(?=:?{_BLANK}(?:is|was|[:=])|:))?"
    rf"(?:(?P<joined>:?{_BLANK}(?:{_JOINED})\b|{_BLANK}[:=]|:)){{0,4}}{_BLANK}",
    re.IGNORECASE,
)
# `Unrecognized token abc1: was expecting …` is about the text that a parser reads.
_OF_PARSERS = re.compile(
    r"\b(?:un(?:recogni[sz]ed|expected|known|terminated)|illegal|next|current|syntax|json|field)[ \t]+$", re.I
)
_VALUE = re.compile(r"(?:(?!%(?:25){0,4}(?:20|09))\S){1,2000}+")
_QUOTED = re.compile(r"([\"'`])(?P<inside>[^\n\r]{1,500}?)\1")
_BEFORE, _AFTER = "([{<\"'`", ".,;:!?)]}>\"'`…"

_PLAIN = re.compile(
    r"[^\W\d_]+(?:['\u2019._/-]+[^\W\d_]+)*"  # words
    r"|[\d.,/:-]{1,3}|#?\d{1,3}(?:st|nd|rd|th|x|%|[a-zA-Z]{1,3}|-[a-z]+)?"  # `8-character`, `30s`
    r"|\d{4}-\d\d-\d\d(?:[T ][\d:.,+Z-]*)?|\d{1,2}:\d\d[\d:.]*"
    r"|[vV]\d+(?:\.\d+)*|\d+(?:\.\d+){2,3}(?::\d{1,5})?|[A-Za-z][\w.-]*:\d{2,5}"  # versions, addresses
    r"|(?:[A-Za-z]+[-_])*(?:SHA|sha|MD|md|HS|RS|ES|PS|AES|RSA|PBKDF|OAuth|oauth|Base|base|UTF|utf|SCRAM|PKCS|TLS|HTTP|Argon|RFC|X)"
    r"[-_/]?\d{1,5}(?:[-_/][A-Za-z0-9]{1,8}){0,3}"
    r"|[\w.$]+\(?[\w$]*\.(?:java|kt|scala|py|go|json|ya?ml|properties|conf|pem|key|txt)(?::\d+)?"
    r"|[\w.$]*(?:Exception|Error)|(?:\.{0,2}|~)/\S*|https?://\S*|arn:\S*|--?[A-Za-z]\S*"
    r"|[$%:{<]\S*|\$?\{\S*|[A-Za-z][A-Za-z_.-]*=[^=\s]\S*",  # placeholders, and pairs that have been judged
)
_DIGITS = re.compile(r"[\d-]{4,}")
_AMOUNT = re.compile(
    r"[ \t]{1,4}(?:more |of )?(?:char|byte|bit|sec|min|hour|day|ms\b|s\b|time|attempt|digit|letter|retr|user|token|record)",
    re.I,
)
_SIGNS = frozenset("!@#$%^&*+=~?|\\")
_NOT_LETTERS_OR_DIGITS = re.compile(r"[\W_]+")
_NUMBERED = re.compile(r"[A-Za-z]+\d{1,2}")
_CAMEL = re.compile(r"(?:[A-Z]?[a-z]{2,}|[A-Z]{1,5}(?![a-z]))+")
_OF_TOKENS = 6
_RANDOM = 16


def secrets_in_prose(text: str) -> Iterator[Span]:
    """Where the secrets are, from left to right."""
    at = 0
    while told := _TELLING.search(text, at):
        at = told.end()
        span = _secret_after(text, told)
        if span is not None:
            yield span
            at = span[1]


def _secret_after(text: str, told: re.Match[str]) -> Span | None:
    own = told["own"] is not None
    start = told.end()
    if not own and _OF_PARSERS.search(text[max(0, told.start() - 20) : told.start()]):
        return None
    quoted = _QUOTED.match(text, start)
    if quoted is not None:
        inside = quoted["inside"]
        is_secret = inside.strip("*") and (
            (own and told["joined"] is not None) or _is_secret(inside, own=own)
        )
        return quoted.span("inside") if is_secret else None
    found = _VALUE.match(text, start)
    if found is None:
        return None
    value = found[0].lstrip(_BEFORE)
    start = found.end() - len(value)
    value = value.rstrip(_AFTER)
    end = start + len(value)
    if own and value.isdigit() and _AMOUNT.match(text, found.end()):
        return None
    return (start, end) if _is_secret(value, own=own) else None


def _is_secret(value: str, *, own: bool) -> bool:
    """`own`: after a word that is followed by its own value (`password`). `token` and `secret` may also be
    followed by names."""
    if "*" * 8 in value:  # already masked; the rest may be read
        return False
    if _PLAIN.fullmatch(value):
        return not own and len(value) >= _RANDOM and _is_random(value)
    if _DIGITS.fullmatch(value):
        return own or len(value) >= 2 * _OF_TOKENS
    if own:
        has_digit = any(one.isdigit() for one in value)
        return len(value) >= 4 and (has_digit or not _SIGNS.isdisjoint(value))
    return any(
        (len(part) >= _OF_TOKENS and _is_mixed(part)) or (len(part) >= _RANDOM and _is_random(part))
        for part in _NOT_LETTERS_OR_DIGITS.split(value)
    )


def _is_mixed(part: str) -> bool:
    """Letters and digits, and not a name with a number: `orders12`."""
    return not (part.isalpha() or part.isdigit()) and not _NUMBERED.fullmatch(part)


def _is_random(part: str) -> bool:
    """Capitals where names have none."""
    return (
        part.isascii()
        and part.isalpha()
        and not part.islower()
        and not part.isupper()
        and not _CAMEL.fullmatch(part)
    )


def joined(spans: Iterable[Span]) -> Iterator[Span]:
    """In order, with those that touch merged into one."""
    last: Span | None = None
    for start, end in sorted(spans):
        if last is not None and start <= last[1]:
            last = last[0], max(last[1], end)
            continue
        if last is not None:
            yield last
        last = start, end
    if last is not None:
        yield last
