"""Secrets within a text: a JDBC string, a URL, JSON, headers, a stack trace, a sentence of another system.

One reader of pairs knows every form (`name=value`, `"name": "value"`, `?name=value&`, `Name: value`, escaped and
SQL quotes, `{…}`); patterns know credentials in URLs and tokens by their published prefixes. All of it takes
time in proportion to the text: no pattern can start at one place and run again over what another start has read.
"""

import re
from collections.abc import Callable

from mesh_assets.inventory.secret_names import is_secret_name

MASK = "********"

SEARCHED_CHARACTERS = 200_000
"""The longest text that is searched. What is not searched does not leave."""
LEFT_OUT = "… (the rest is left out: too long to be searched for secrets)"


def mask_text(text: str) -> str:
    """`text` with the credentials in it masked, and the rest as it was."""
    if len(text) > SEARCHED_CHARACTERS and not text.endswith(LEFT_OUT):
        text = text[:SEARCHED_CHARACTERS] + LEFT_OUT
    for mask in _MASKS:
        text = mask(text)
    return text


# Credentials by their form alone.

_PEM = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
# Prefixes as their issuers publish them (for the secret scanning of code hosts). Each starts at a word's start
# and takes the word whole.
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
    r")"
)
_NKEY = re.compile(r"\bS[ACNOUX][A-Z2-7]{56}\b")  # a seed of NATS, by its form
_SCHEME = re.compile(
    r"(?<![\w-])(?P<scheme>Bearer|Basic)(?P<space>[ \t]{1,4})(?P<token>[\w+/=.~:-]{8,}+)", re.IGNORECASE
)
_WEBHOOK = re.compile(
    r"(?P<address>https://(?:hooks\.slack\.com/(?:services|workflows|triggers)/|(?:[\w-]{1,40}\.)?discord(?:app)?\.com/api/webhooks/"
    r"|[\w.-]{1,80}\.webhook\.office\.com/|outlook\.office(?:365)?\.com/webhook/|hooks\.zapier\.com/hooks/|maker\.ifttt\.com/trigger/"
    r"|api\.telegram\.org/bot|events\.pagerduty\.com/integration/))[^\s\"'<>|,;]++",
    re.IGNORECASE,
)


def _mask_keys(text: str) -> str:
    if "PRIVATE KEY" not in text:
        return text
    parts, done = [], 0
    while found := _PEM.search(text, done):
        end = _PEM_END.search(text, found.end())
        parts += [text[done : found.start()], MASK]
        done = len(text) if end is None else end.end()
    return "".join((*parts, text[done:]))


def _mask_tokens(text: str) -> str:
    text = _WEBHOOK.sub(lambda m: f"{m['address']}{MASK}", text)
    return _NKEY.sub(MASK, _TOKEN.sub(MASK, text))


def _mask_schemes(text: str) -> str:
    return _SCHEME.sub(_without_token, text)


def _without_token(found: re.Match[str]) -> str:
    token = found["token"]
    # `Basic authentication` is prose; a token has digits, padding or capitals within.
    is_token = len(token) >= 32 or any(c.isdigit() or c in "=+/" for c in token) or not token[1:].islower()
    return f"{found['scheme']}{found['space']}{MASK}" if is_token else found[0]


# Credentials in URLs.

_URL_CHARACTERS = 1_000
_SCHEME_CHARACTERS = 40
_URL_END = re.compile(r"[\s\"'<>`|]")
_SCHEME_NAME = re.compile(r"[A-Za-z][A-Za-z0-9+.:-]*$")
_PORT = re.compile(r"[^:/?#]*:\d{1,5}(?:[/?#]|$)")
# `;` ends nothing in these, and `/`, `#` and `@` stand in passwords as they are.
_WEB = ("http", "https", "ws", "wss", "ftp")
_ORACLE = re.compile(
    r"jdbc:oracle:[a-z0-9]{1,10}:(?P<user>[^/@\s]{0,128})/(?P<rest>[^\s]{1,1000})", re.IGNORECASE
)
_ORACLE_PLAIN = re.compile(
    r"(?<![\w./@-])(?P<user>[A-Za-z][\w$#]{0,60}+)/(?P<password>[^\s/@\"']{1,128}+)@(?!sha\d)(?=//|[\w-]++(?:\.[\w-]++)*+:\d{2,5}\b|\()"
)


def _mask_urls(text: str) -> str:
    parts, done = [], 0
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
            parts += [text[done:start], MASK]
            done = start = start + host
        at = text.find("://", start)
    return "".join((*parts, text[done:]))


def _host_start(scheme: str, url: str) -> int | None:
    """Where the `@` before the host is, in a URL without its scheme; None if it names no user."""
    authority = re.split(r"[/?#]", url, maxsplit=1)[0]
    if scheme in _WEB:
        if "@" in authority:
            return authority.rindex("@")
        # `user:pa/ss@host`; not `host:8080/path@v1`.
        return url.rindex("@") if ":" in authority and not _PORT.match(url) else None
    before_query = url.partition("?")[0]
    return (before_query if "@" in before_query else url).rindex("@")


def _mask_oracle(text: str) -> str:
    text = _ORACLE.sub(_without_oracle_password, text)
    return _ORACLE_PLAIN.sub(lambda m: m[0] if m["password"] == MASK else f"{m['user']}/{MASK}@", text)


def _without_oracle_password(found: re.Match[str]) -> str:
    password, at, host = found["rest"].rpartition("@")
    return f"{found[0][: -len(found['rest'])]}{MASK}@{host}" if at and password else found[0]


# Pairs of a name and a value.

_PAIR = re.compile(
    r"(?<![\w.\-])(?P<name>[\w.\-]++)(?P<close>\\{0,7}+[\"'`]?+)[ \t]{0,8}+(?P<sep>=>|==?|:(?!:|//)=?)[ \t]{0,8}+"
    r"|(?<![\w.\-])--(?P<option>[A-Za-z][\w\-]*+)[ \t]{1,8}+(?![\s\-])"
    r"|\b(?P<sql>identified[ \t]{1,4}by|password|passwd)[ \t]{1,4}+(?=[\"'])",
    re.IGNORECASE,
)
_OPEN_QUOTE = re.compile(r"\\*+[\"'`]")
_STRING = {
    quote: re.compile(rf"(?:[^{quote}\\]++|\\.|\\$|{quote}{quote})*+", re.DOTALL) for quote in ("'", '"', "`")
}
_JSON_OBJECT = re.compile(r"[{\[]\s{0,20}+(?:\\*+\"|[{\[])")
_BRACKETS = re.compile(r"\"(?:[^\"\\]++|\\.)*+\"|[{}\[\]]", re.DOTALL)
_BRACED = re.compile(r"\{(?:[^}]++|\}\})*+\}?")
# `arn:aws:secretsmanager:…:secret:NAME` is where a secret is kept.
_ARN_BEFORE = re.compile(r"arn:[\w-]{1,20}:[\w-]{1,40}:[\w-]{0,40}:\d{0,12}:$")
_WORD_BEFORE = re.compile(r"\b[A-Za-z]{2,15} $")
_REFERENCE = re.compile(r"\$\{[^}\s]{1,500}\}")
_AUTH_SCHEME = re.compile(
    r"(?:Bearer|Basic|Token|ApiKey|Api-Key|Negotiate|SSWS|GenieKey|Splunk|SharedKey|Key)[ \t]{1,4}",
    re.IGNORECASE,
)
_LINE = re.compile(r"[^\n\r\"|]*+")
_IN_QUERY = re.compile(r"[^\s&\"'<>#]*+")
_IN_LIST = re.compile(r"[^\s;\"]*+")
_TO_SEMICOLON = re.compile(r"[^;\n\r\"=]{1,200}(?=;)")
_IN_MAP = re.compile(r"(?:[^,}\n\r]++|,(?!\s?[\w.\-]++=)|\}(?=[\w!@#$%^*]))*+")
_PLAIN = re.compile(r"(?:[^\s;&,\"'<>|)\]}]++|,(?![\s\"'\\]|$|[\w.\-]++[=:])|[)\]}'](?=[\w!@#$%^*]))*+")
# What stands for a value, and words with which a sentence goes on: `token: must not be null`.
_NO_VALUE = re.compile(r"(?:\[hidden\]|\*+|<\w*>|null|none|nil|true|false|undefined)$", re.IGNORECASE)
_OF_SENTENCES = (
    "must not is was has cannot can could may no the a an invalid missing expired required failed unknown unexpected "
    "empty expected it this check too should"
)
_PROSE = frozenset(_OF_SENTENCES.split())


def _mask_pairs(text: str) -> str:
    parts: list[str] = []
    done = at = 0
    while found := _PAIR.search(text, at):
        at = found.end()
        if not _is_telling(text, found):
            continue
        start, end = _value_of(text, found)
        at = max(at, end)
        value = text[start:end]
        if not value or _NO_VALUE.match(value) or _REFERENCE.fullmatch(value):
            continue
        if found["sep"] == ":" and not found["close"] and value.strip(".,!").lower() in _PROSE:
            continue
        parts += [text[done:start], MASK]
        done = end
    return "".join((*parts, text[done:]))


def _is_telling(text: str, pair: re.Match[str]) -> bool:
    if pair["sql"]:
        return True
    if pair["option"]:
        return is_secret_name(pair["option"])
    name = pair["name"]
    before = text[max(0, pair.start() - 20) : pair.start()]
    if before[-1:] == ":" and _ARN_BEFORE.search(text[max(0, pair.start() - 120) : pair.start()]):
        return False
    if name.lower() in ("key", "keys") and (word := _WORD_BEFORE.search(before)):
        name = f"{word[0]}{name}"  # `API key: …`
    in_prose = pair["sep"] == ":" and not pair["close"]
    return is_secret_name(name, in_query=before[-1:] in ("?", "&"), in_prose=in_prose)


def _value_of(text: str, pair: re.Match[str]) -> tuple[int, int]:
    """Where the value of `pair` starts and ends."""
    start, plain = pair.end(), _plain_form(text, pair)
    if opened := _OPEN_QUOTE.match(text, start):
        inside, closed = _quoted(text, opened)
        if pair["close"]:
            return opened.end(), inside
        return start, _end(plain, text, closed)
    if reference := _REFERENCE.match(text, start):
        return start, _end(plain, text, reference.end())
    if _JSON_OBJECT.match(text, start):
        return start, _end(plain, text, _object_end(text, start))
    if braced := _BRACED.match(text, start):
        return start, _end(plain, text, braced.end())
    if text.startswith("[", start):
        closing = text.find("]", start)
        return start, len(text) if closing < 0 else _end(plain, text, closing + 1)
    last = (pair["name"] or "").lower().rpartition("-")[2]
    if last == "cookie":
        return start, _end(_LINE, text, start)
    if last in ("authorization", "auth") or _AUTH_SCHEME.match(text, start):
        if scheme := _AUTH_SCHEME.match(text, start):
            start = scheme.end()
        elif text[start : start + 6].lower() in ("digest", "oauth ", "aws4-h"):
            return start, _end(_LINE, text, start)
    return start, _end(plain, text, start)


def _plain_form(text: str, pair: re.Match[str]) -> re.Pattern[str]:
    before = text[max(0, pair.start() - 3) : pair.start()].rstrip()[-1:]
    if before in ("?", "&"):
        return _IN_QUERY
    if before == ";":
        is_masked = text.startswith(MASK, pair.end())
        return _TO_SEMICOLON if not is_masked and _TO_SEMICOLON.match(text, pair.end()) else _IN_LIST
    if before == "{" and not pair["close"]:
        return _IN_MAP
    if (
        before == ","
        and pair["sep"] == "="
        and "}" in text[pair.end() : pair.end() + 1_000].partition("\n")[0]
    ):
        return _IN_MAP
    return _PLAIN


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return start if found is None else found.end()


def _quoted(text: str, opened: re.Match[str]) -> tuple[int, int]:
    """Where the quoted value ends, and where its closing quote does; without one, the text's end."""
    opener = opened[0]
    if len(opener) == 1:
        end = _end(_STRING[opener], text, opened.end())
        return end, min(end + 1, len(text))
    end = text.find(opener, opened.end())
    while end > 0 and text[end - 1] == "\\":
        end = text.find(opener, end + 1)
    return (len(text), len(text)) if end < 0 else (end, end + len(opener))


def _object_end(text: str, start: int) -> int:
    depth = 0
    for found in _BRACKETS.finditer(text, start):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(found[0], 0)
        if depth == 0 and found[0] in "}]":
            return found.end()
    return len(text)


# Pairs of XML: an element, or an attribute that names the one that holds the value.
_ELEMENT = re.compile(r"<(?P<name>[\w.:-]{1,100})(?:\s[^<>]{0,200})?>(?P<value>[^<]{1,1000})(?=</)")
_ATTRIBUTES = re.compile(
    r"(?P<head>\b(?:name|key)=([\"'])(?P<name>[\w.-]{1,100})\2\s{1,20}value=([\"']))(?P<value>[^\"'<>]{1,1000})(?=\4)"
)


def _mask_xml(text: str) -> str:
    if "<" not in text:
        return text
    for form in (_ELEMENT, _ATTRIBUTES):
        text = form.sub(_without_xml_value, text)
    return text


def _without_xml_value(found: re.Match[str]) -> str:
    if not is_secret_name(found["name"]) or _NO_VALUE.match(found["value"].strip()):
        return found[0]
    return f"{found[0][: -len(found['value'])]}{MASK}"


# Kafka's ConfigException names the value first: `Invalid value … for configuration …`.
_REFUSED_VALUE = re.compile(
    r"(?P<head>Invalid value )(?P<value>[^\n]{1,300}?)(?P<tail> for configuration (?P<name>[\w.\-]{1,200}))"
)


def _mask_refused_values(text: str) -> str:
    return _REFUSED_VALUE.sub(
        lambda m: f"{m['head']}{MASK}{m['tail']}" if is_secret_name(m["name"]) else m[0], text
    )


_MASKS: tuple[Callable[[str], str], ...] = (
    _mask_keys,
    _mask_refused_values,
    _mask_urls,
    _mask_oracle,
    _mask_tokens,
    _mask_xml,
    _mask_pairs,
    _mask_schemes,
)
