"""Secrets within a text: a JDBC string, a URL, JSON, headers, a stack trace, a sentence of another system.

One reader of pairs knows every form (`name=value`, `"name": "value"`, `?name=value&`, `Name: value`, escaped
and SQL quotes, `{…}`); credentials recognised by their form, also in sentences, are in `forms.py`. Encoded
text (percent-encoding, JSON escapes, HTML entities) is read decoded. All of it takes time in proportion to
the text: no pattern can start at one place and run again over what another start has read.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from html import unescape

from mesh_assets.masking import forms
from mesh_assets.masking.forms import Span
from mesh_assets.masking.names import is_secret_name

MASK = "********"

SEARCHED_CHARACTERS = 200_000
"""The longest text that is searched. Anything beyond it does not leave."""
# A text with none of these has no pairs, URLs, elements or sentences, and nothing encoded.
_TELLING = re.compile(r"[\s:=@%<+\\&]")
_SHORTEST_TOKEN = 12
_WORDS = re.compile(r"[\w\s.,;!?()]*+")  # no pairs, URLs or elements, and nothing encoded
_TELLING_WORD = re.compile(
    r"pass|pwd|kennwort|credential|key|token|secret|identified|bearer|basic|invalid|[\w.]{12}", re.IGNORECASE
)
LEFT_OUT = "… (the rest is left out: too long to search for secrets)"


def mask_text(text: str) -> str:
    """`text` with its credentials masked and the rest unchanged."""
    if len(text) > SEARCHED_CHARACTERS and not text.endswith(LEFT_OUT):
        text = text[:SEARCHED_CHARACTERS] + LEFT_OUT
    if not _TELLING.search(text):  # like most values of records
        return text if len(text) < _SHORTEST_TOKEN else _covered(text, forms.tokens(text))
    if _WORDS.fullmatch(text) and not _TELLING_WORD.search(text):  # like most descriptions
        return text
    for find in _FINDERS:
        text = _covered(text, find(text))
    return _without_encoded(text)


def _covered(text: str, spans: Iterable[Span]) -> str:
    parts: list[str] = []
    done = 0
    for start, end in spans:
        parts += [text[done:start], MASK]
        done = end
    return "".join((*parts, text[done:])) if parts else text


# Pairs of a name and a value.

_PAIR = re.compile(
    r"(?<![\w.\-])(?P<name>[\w.\-]++)(?P<close>\\{0,7}+[\"'`]?+)[ \t]{0,8}+(?P<sep>=>|==?|:(?!:|//)=?)[ \t]{0,8}+"
    r"|(?<![\w.\-])--(?P<option>[A-Za-z][\w\-]*+)[ \t]{1,8}+(?![\s\-])"
    r"|\b(?P<sql>(?:identified[ \t]{1,4}by(?:[ \t]{1,4}(?:values|password))?|password|passwd)[ \t]{1,4}+(?=[\"'])"
    r"|(?:create|alter)[ \t]{1,4}user[ \t]{1,4}\S{1,100}+[ \t]{1,4}identified[ \t]{1,4}by[ \t]{1,4}+(?!values\b|password\b))",
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
_PROVIDED = re.compile(r"\$\{[a-z][a-z0-9-]{0,40}:[^}\s:=?@]{0,400}:[\w.-]{1,200}\}")
_AUTH_SCHEME = re.compile(
    r"(?:Bearer|Basic|Token|ApiKey|Api-Key|Negotiate|SSWS|GenieKey|Splunk|SharedKey|Key)[ \t]{1,4}",
    re.IGNORECASE,
)
_LINE = re.compile(r"[^\n\r\"|]*+")
_IN_QUERY = re.compile(r"[^\s&\"'<>#]*+")
_IN_ENCODED = re.compile(r"(?:[^\s&;,]++|[;,](?!\s?[\w.\-]++=))*+")
_IN_LIST = re.compile(r"[^\s;\"]*+")
_TO_SEMICOLON = re.compile(r"[^;\n\r\"=]{1,200}(?=;)")
_IN_MAP = re.compile(r"(?:[^,}\n\r]++|,(?!\s?[\w.\-]++=)|\}(?=[\w!@#$%^*]))*+")
# What this module has masked before, in a list: without this, the rest of a `{` that nothing closes would count as its value.
_MASKED = re.compile(rf"{re.escape(MASK)}(?=;\s?[\w.\-]++=)")
_PLAIN = re.compile(r"(?:[^\s;&,\"'<>|)\]}]++|,(?![\s\"'\\]|$|[\w.\-]++[=:])|[)\]}'](?=[\w!@#$%^*]))*+")
# Placeholders for a value, and words that continue a sentence: `token: must not be null`.
_NO_VALUE = re.compile(
    r"(?:\[hidden\]|[\[{(]?(?:…|\.{3})[\]})]?|\*+|<\w*>|null|none|nil|true|false|undefined)$", re.IGNORECASE
)
_OF_SENTENCES = (
    "must not is was has cannot can could may no the a an invalid missing expired required failed unknown unexpected "
    "empty expected it this check too should"
)
_PROSE = frozenset(_OF_SENTENCES.split())


def _values_of_pairs(text: str, *, encoded: bool = False) -> Iterator[Span]:
    """`encoded`: `text` was percent-encoded, so that a value ends only where the next pair begins."""
    at = 0
    while found := _PAIR.search(text, at):
        at = found.end()
        if not _is_telling(text, found):
            continue
        start, end = _value_of(text, found, encoded=encoded)
        at = max(at, end)
        value = text[start:end]
        if not value or _NO_VALUE.match(value) or _REFERENCE.fullmatch(value):
            continue
        if found["sep"] == ":" and not found["close"] and value.strip(".,!").lower() in _PROSE:
            continue
        yield start, end


def _is_telling(text: str, pair: re.Match[str]) -> bool:
    if pair["sql"]:
        return True
    if pair["option"]:
        return is_secret_name(pair["option"])
    name = pair["name"]
    before = text[max(0, pair.start() - 20) : pair.start()]
    if before[-1:] == ":" and _ARN_BEFORE.search(text[max(0, pair.start() - 120) : pair.start()]):
        return False
    if _is_in_reference(text, pair.start()):
        return False
    if name.lower() in ("key", "keys") and (word := _WORD_BEFORE.search(before)):
        name = f"{word[0]}{name}"  # `API key: …`
    in_prose = pair["sep"] == ":" and not pair["close"]
    return is_secret_name(name, in_query=before[-1:] in ("?", "&"), in_prose=in_prose)


def _is_in_reference(text: str, at: int) -> bool:
    """Whether `at` is within the path or the key of a config provider's reference:
    `${file:/etc/secrets:password}`."""
    opened = text.rfind("${", max(0, at - 500), at)
    reference = None if opened < 0 else _PROVIDED.match(text, opened)
    return reference is not None and reference.end() > at


def _value_of(text: str, pair: re.Match[str], *, encoded: bool) -> Span:
    """Where the value of `pair` starts and ends."""
    start = pair.end()
    if masked := _MASKED.match(text, start):
        return masked.span()
    plain = _IN_ENCODED if encoded and pair["sep"] == "=" else _plain_form(text, pair)
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
    """Where the quoted value ends, and where its closing quote ends; without one, the end of the text."""
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


# Pairs of XML: an element, one with its name in an attribute, or an attribute that names the one that holds the value.
_CONTENT = r"(?:<!\[CDATA\[)?(?P<value>[^<]{1,1000}?)(?=(?:\]\]>)?</)"
_ELEMENT = re.compile(rf"<(?P<name>[\w.:-]{{1,100}})(?:\s[^<>]{{0,200}})?>{_CONTENT}")
_NAMED_ELEMENT = re.compile(rf"\s(?:name|key|id)=([\"'])(?P<name>[\w.-]{{1,100}})\1[^<>]{{0,200}}>{_CONTENT}")
_ATTRIBUTES = re.compile(
    r"\b(?:name|key)=([\"'])(?P<name>[\w.-]{1,100})\1\s{1,20}value=([\"'])(?P<value>[^\"'<>]{1,1000})(?=\3)"
)
_TAGS = re.compile(
    r"<name>\s{0,20}(?P<name>[\w.-]{1,100})\s{0,20}</name>\s{0,100}<value>(?P<value>[^<]{1,1000})(?=</)"
)


def _values_of_xml(form: re.Pattern[str], text: str) -> Iterator[Span]:
    if "<" not in text:
        return
    for found in form.finditer(text):
        if is_secret_name(found["name"]) and not _NO_VALUE.match(found["value"].strip()):
            yield found.span("value")


# Name and value as two pairs: `"name": "password", "value": …` of JSON, YAML, and of objects in print.
_NAMED = re.compile(
    r"(?<![\w.-])(?P<quote>\\{0,7}[\"']?)(?:name|key)(?P=quote)\s?[:=]\s?(?P<open>\\{0,7}[\"']?)(?P<name>[\w.-]{1,100})(?P=open)"
    r"(?:,[^{}\[\]<>]{0,100}?|\s{1,20})(?P=quote)value(?P=quote)\s?[:=]\s?",
    re.IGNORECASE,
)


def _named_values(text: str) -> Iterator[Span]:
    at = 0
    while found := _NAMED.search(text, at):
        at = found.end()
        if not is_secret_name(found["name"], in_prose=True):
            continue
        if opened := _OPEN_QUOTE.match(text, at):
            start, (end, _) = opened.end(), _quoted(text, opened)
        else:
            start, end = at, _end(_PLAIN, text, at)
        at = max(at, end)
        value = text[start:end]
        if value and not _NO_VALUE.match(value) and not _REFERENCE.fullmatch(value):
            yield start, end


# Kafka's ConfigException names the value first: `Invalid value … for configuration …`.
_REFUSED_VALUE = re.compile(
    r"Invalid value (?P<value>[^\n]{1,300}?) for configuration (?P<name>[\w.\-]{1,200})"
)


def _refused_values(text: str) -> Iterator[Span]:
    return (found.span("value") for found in _REFUSED_VALUE.finditer(text) if is_secret_name(found["name"]))


_Find = Callable[[str], Iterator[Span]]


def _finders(*, encoded: bool) -> tuple[_Find, ...]:
    """In this order: what an earlier one has masked means nothing to a later one."""
    return (
        forms.private_keys,
        _refused_values,
        forms.logins_of_urls,
        forms.passwords_of_oracle,
        forms.passwords_of_sqlplus,
        forms.rights_of_webhooks,
        forms.tokens,
        forms.secrets_in_prose,
        partial(_values_of_xml, _ELEMENT),
        *(partial(_values_of_xml, form) for form in (_NAMED_ELEMENT, _ATTRIBUTES, _TAGS)),
        _named_values,
        partial(_values_of_pairs, encoded=encoded),
        forms.tokens_after_schemes,
    )


# Text encoded once or more: a URL within a URL, a form that a proxy's log quotes, JSON in which a library
# escaped `=` and `/`, a web server's error page.

_RUN = re.compile(r"[^\s\"'<>`]++")
_TELLING_CODE = re.compile(r"%(?:25)*+(?:3[AaDd]|40|[46][1-9A-Fa-f]|[57][0-9Aa])")
_PERCENT = re.compile(r"%([0-7][0-9A-Fa-f])|\+")
_ESCAPE = re.compile(r"(?<!\\)\\++(?:(?:u00|x)([2-7][0-9A-Fa-f])|(?=/))")
_ENTITY = re.compile(
    r"&(?:#[xX]0{0,5}[2-7][0-9A-Fa-f]|#0{0,5}\d{2,3}|quot|apos|amp|lt|gt|colon|equals|commat|sol);"
)
# In a percent-encoded text, an encoded blank counts as one only after these; elsewhere it is part of a value.
_BEFORE_BLANKS = (":", ",", ";")
_LEVELS = 4


def _of_code(code: re.Match[str]) -> str:
    """The character that a code stands for; nothing for the backslash before a `/`."""
    return chr(int(code[1], 16)) if code[1] else " " if code[0] == "+" else ""


def _in_form(text: str) -> Iterator[Span]:
    """The secrets in a form, which writes `+` for blanks and `&` between pairs."""
    if "+" not in text:
        return iter(())
    blanks = text.replace("+", " ")
    return forms.joined(
        [*forms.secrets_in_prose(blanks.replace("&", "\n")), *_values_of_pairs(blanks, encoded=True)]
    )


_FINDERS, _ENCODED_FINDERS = _finders(encoded=False), (*_finders(encoded=True), _in_form)


def _without_encoded(text: str) -> str:
    if "%" in text or "+" in text:
        text = _RUN.sub(_without_percents, text)
    if "\\" in text:
        text = _read_decoded(text, _ESCAPE, _of_code, _FINDERS)
    return _read_decoded(text, _ENTITY, lambda code: unescape(code[0]), _FINDERS) if "&" in text else text


def _without_percents(found: re.Match[str]) -> str:
    run = found[0]
    if "%" not in run:
        return _covered(run, _in_form(run))
    if "+" not in run and not _TELLING_CODE.search(run):
        return run
    return _read_decoded(run, _PERCENT, _of_code, _ENCODED_FINDERS, blanks_after=_BEFORE_BLANKS)


def _read_decoded(
    text: str,
    codes: re.Pattern[str],
    decode: Callable[[re.Match[str]], str],
    finders: Iterable[_Find],
    *,
    blanks_after: Sequence[str] = (),
) -> str:
    """`text` without what `finders` find once it is decoded. `blanks_after`: what must precede a code for a
    blank that counts as one."""
    if not codes.search(text):
        return text
    decoded, places = text, list(range(len(text) + 1))
    secret: list[Span] = []
    for _ in range(_LEVELS):
        before = decoded
        decoded, places = _once_decoded(before, places, codes, decode, blanks_after)
        if decoded == before:
            break
        for find in finders:
            spans = list(find(decoded))
            secret += [(places[start], places[end]) for start, end in spans if decoded[start:end] != MASK]
            places = _covered_places(places, spans)
            decoded = _covered(decoded, spans)
    return _covered(text, forms.joined(secret))


def _once_decoded(
    text: str,
    places: list[int],
    codes: re.Pattern[str],
    decode: Callable[[re.Match[str]], str],
    blanks_after: Sequence[str],
) -> tuple[str, list[int]]:
    """`text` decoded once, and for each character its position in the original."""
    parts: list[str] = []
    stood: list[int] = []
    last, done = "", 0
    for found in codes.finditer(text):
        start, code = found.start(), found[0]
        last = text[start - 1] if start > done else last
        character = decode(found)
        shown = code if character == " " and blanks_after and last not in blanks_after else character
        parts += [text[done:start], shown]
        stood += places[done:start]
        stood += places[start : start + len(shown)]
        last, done = character, found.end()
    return "".join((*parts, text[done:])), [*stood, *places[done:]]


def _covered_places(places: list[int], spans: Iterable[Span]) -> list[int]:
    stood: list[int] = []
    done = 0
    for start, end in spans:
        stood += [*places[done:start], *[places[start]] * len(MASK)]
        done = end
    return [*stood, *places[done:]]
