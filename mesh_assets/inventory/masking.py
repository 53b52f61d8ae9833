"""Masking of connector configs: what looks like a secret never gets into a record."""

import re
from collections.abc import Collection, Mapping

MASK = "********"

# By key, in addition to what connectors declare as passwords: transforms, converters and old workers declare
# nothing, and Connect itself masks nothing.
_SECRET_KEY = re.compile(
    r"pass(word|phrase|wd)|secret|credential|token|private[._-]?key|api[._-]?key|access[._-]?key|sas[._-]?key|account[._-]?key"
    r"|(ssl|tls)[._-]?key|key[._-]?(password|pem|material)|jaas|connection[._-]?string|auth(orization)?[._-]?(header|info)"
    r"|(user|basic)[._-]?info|\bdsn\b|keytab[._-]?content|service[._-]?account[._-]?json|keyfile|webhook",
    re.IGNORECASE,
)

# Keys that match the words above but hold no secret: names, switches and classes that engineers need to see.
_HARMLESS_KEY = re.compile(
    r"^(key\.converter.*schemas\.enable|.*\.(provider|class|type|location|file|path|enabled?|source|mechanism|alias|algorithm|name|url|urls)"
    r"|(key|value)\.subject\.name\.strategy|.*tokeni[sz]er.*|.*max\.tokens.*)$",
    re.IGNORECASE,
)

_REFERENCE = re.compile(r"^\$\{[^}:]+:[^}]*\}$")
_URL_USERINFO = re.compile(r"(?P<scheme>[a-z][a-z0-9+.:-]*://)(?P<userinfo>[^/@\s]+)@", re.IGNORECASE)
_INLINE_SECRET = re.compile(
    r"(?P<name>(?:password|passwd|pwd|secret|token|api[_-]?key|accountkey|sharedaccesskey|sas)\s*[=:]\s*)"
    r"(?P<value>\"[^\"]*\"|'[^']*'|[^\s;&,\"']+)",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bA[KS]IA[0-9A-Z]{16}\b|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.|\bgh[pousr]_\w{30,}"
    r"|\bxox[abprs]-[\w-]{10,}|\"private_key\"\s*:|\bAIza[\w-]{35}\b|\b[sr]k_live_\w{10,}|^(Bearer|Basic) \S+",
)

# Confluent Cloud masks with ten to sixteen asterisks. One mask for all, or their number would look like a
# change.
_MASKED_ALREADY = re.compile(r"^\*{4,}$")


def mask_config(
    config: Mapping[str, str | None], *, passwords: Collection[str] = ()
) -> dict[str, str | None]:
    """`config`, sorted by key, with every value masked that is or may be a secret. `passwords`: keys known to
    hold one.

    A reference to a config provider (`${file:…}`) is not a secret and stays: Connect returns it unresolved.
    """
    return {key: mask_value(key, config[key], is_password=key in passwords) for key in sorted(config)}


def mask_value(key: str, value: str | None, *, is_password: bool = False) -> str | None:
    if value is None or value == "" or _REFERENCE.match(value):
        return value
    if is_password or _SECRET_VALUE.search(value) or _MASKED_ALREADY.match(value):
        return MASK
    if _SECRET_KEY.search(key) and not (
        _HARMLESS_KEY.match(key) and not re.search(r"pass(word|phrase|wd)$", key, re.IGNORECASE)
    ):
        return value if value.lower() in ("true", "false") else MASK
    return mask_text(value)


def mask_text(text: str) -> str:
    """`text` (a trace, a URL, a JDBC string) with the credentials in it masked."""
    text = _URL_USERINFO.sub(lambda m: f"{m['scheme']}{MASK}@", text)
    return _INLINE_SECRET.sub(lambda m: f"{m['name']}{MASK}", text)
