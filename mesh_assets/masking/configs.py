"""Masking of connector configs: anything that looks like a secret never gets into a record."""

import re
from collections.abc import Collection, Iterable, Mapping

from mesh_assets.masking.names import is_secret_name, secrecy_of_key
from mesh_assets.masking.text import MASK, mask_text

__all__ = [
    "MASK",
    "hidden_parts",
    "is_reference",
    "mask_config",
    "mask_field",
    "mask_text",
    "mask_trace",
    "mask_value",
    "masked_keys",
    "masked_values",
]

_REFERENCE = re.compile(r"\$\{[^}:]+:[^}]*\}")
_SCHEME_VALUE = re.compile(r"(Bearer|Basic) \S+", re.IGNORECASE)
# Confluent Cloud masks with ten to sixteen asterisks. We use one mask for all, or a different number of them
# would look like a change.
_MASKED_ALREADY = re.compile(r"\*{4,}")

# A key's location and its public half are not secrets.
_PATH = re.compile(
    r"(?:file:|[A-Za-z]:)?[\\/.~][\w\\/.~+ -]{0,500}\.[A-Za-z0-9]{1,10}|(?:s3|gs)://\S{1,500}|[\w.-]{1,100}\.(?:pem|key|jks|p12|json|keytab)"
)
_KMS_KEY = re.compile(r"arn:[a-z-]{1,20}:kms:[\w:/-]{1,200}")
_CERTIFICATE = "-----BEGIN CERTIFICATE-----"

# Debezium's hashed columns have their salt in the key.
_SALT_IN_KEY = re.compile(r"(?<=\.with\.salt\.)(?!\*{8}).+")

# Headers about how to talk, not about who may.
_PLAIN = (
    "accept accept-charset accept-encoding accept-language cache-control connection content-encoding "
    "content-language content-length content-type date expect host idempotency keep-alive origin prefer referer "
    "transfer-encoding user-agent x-requested-with "
)
_PLAIN_HEADERS = frozenset(_PLAIN.split())
_HEADER_ITEM = re.compile(r"(?P<name>\s*[\w-]+\s*)(?P<sep>[:=]\s*)(?P<value>.*)", re.DOTALL)
_HEADER_SEPARATOR = re.compile(r"([|\n;]|,(?=\s*[\w-]+\s*:))")

# A shorter secret would turn up in unrelated words of the trace, and one that is a word itself (`kafka`,
# `debezium`) in names of packages and hosts; so a word only counts on its own.
_TRACED_CHARACTERS = 5
_WORD_CHARACTERS = 12


def mask_config(
    config: Mapping[str, str | None], *, passwords: Collection[str] = ()
) -> dict[str, str | None]:
    """`config`, sorted by key, with every value masked that is or may be a secret. `passwords`: keys known to
    hold one.

    A reference to a config provider (`${file:…}`) is not a secret and stays: Connect returns it unresolved.
    """
    masked: dict[str, str | None] = {}
    for key in sorted(config):
        shown = _SALT_IN_KEY.sub(MASK, key)
        while shown in masked:  # two keys that differ only in their salt are still two
            shown += "*"
        masked[shown] = mask_value(key, config[key], is_password=key in passwords)
    return masked


def mask_value(key: str, value: str | None, *, is_password: bool = False) -> str | None:
    if not value or is_reference(value):
        return value
    if is_password or _MASKED_ALREADY.fullmatch(value) or _SCHEME_VALUE.fullmatch(value):
        return MASK
    secrecy = secrecy_of_key(key)
    if secrecy is None or value.lower() in ("true", "false"):
        return mask_text(value)
    if secrecy == "headers":
        return _masked_headers(value)
    if secrecy == "login" and ":" not in value:
        return mask_text(value)  # `ssl.client.auth=required`
    if secrecy == "key_material" and (
        _PATH.fullmatch(value) or _KMS_KEY.fullmatch(value) or _is_certificate(value)
    ):
        return mask_text(value)
    return MASK


def is_reference(value: str) -> bool:
    """Whether `value` only says where a config provider keeps the secret."""
    return _REFERENCE.fullmatch(value) is not None


def mask_field(name: str, value: str) -> str:
    """The value of a field of a record or of a tool's argument: their names reveal less than those of
    configs, where every `*.key` is suspect."""
    if _MASKED_ALREADY.fullmatch(value) or _SCHEME_VALUE.fullmatch(value):
        return MASK
    if value and value.lower() not in ("true", "false") and is_secret_name(name):
        return MASK
    return mask_text(value)


def mask_trace(trace: str | None, secrets: Iterable[str] = ()) -> str | None:
    """`trace` without credentials and without `secrets`, whatever form it quotes them in."""
    if trace is None:
        return None
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) < _TRACED_CHARACTERS:
            continue
        if secret.isalpha() and len(secret) < _WORD_CHARACTERS:
            trace = re.sub(rf"(?<![\w.$/-]){secret}(?![\w.$/:-])", MASK, trace)
        else:
            trace = trace.replace(secret, MASK)
    return mask_text(trace)


def masked_keys(config: Mapping[str, str | None]) -> frozenset[str]:
    """The keys whose whole value is masked in `config`."""
    return frozenset(key for key, value in config.items() if value == MASK)


def masked_values(config: Mapping[str, str | None], masked: Mapping[str, str | None]) -> dict[str, str]:
    """The values of `config` that `masked`, made from it, does not show in full, by their key in `masked`.
    Values that arrived masked are left out: the number of asterisks says nothing about a secret."""
    return {
        shown: value
        for key, (shown, said) in zip(sorted(config), masked.items(), strict=True)
        if (value := config[key]) and said != value and not _MASKED_ALREADY.fullmatch(value)
    }


def hidden_parts(values: Mapping[str, str], masked: Mapping[str, str | None]) -> list[str]:
    """What `masked` hides of `values` (masked_values), such as the password within a URL, which an error may quote
    without the URL. Of `user:password`, also the password on its own."""
    parts: list[str] = []
    for key, value in values.items():
        at = 0
        before, *literals = (masked[key] or "").split(MASK)
        if not value.startswith(before):
            continue  # cut, or reordered
        at = len(before)
        for number, literal in enumerate(literals):
            end = value.rfind(literal) if number == len(literals) - 1 else value.find(literal, at)
            if not literal:
                end = len(value)
            if end < at:
                break
            parts.append(value[at:end])
            at = end + len(literal)
    return [*parts, *(part.partition(":")[2] for part in parts if ":" in part)]


def _is_certificate(value: str) -> bool:
    return value.lstrip().startswith(_CERTIFICATE) and "PRIVATE" not in value


def _masked_headers(value: str) -> str:
    """Names of headers, and the values of harmless ones. A list of names alone holds no values."""
    if value.lstrip()[:1] in ("{", "["):
        return MASK
    parts = _HEADER_SEPARATOR.split(value)
    items = [_HEADER_ITEM.fullmatch(part) for part in parts[::2]]
    if not any(items):
        return mask_text(value)
    shown: list[str] = []
    for part, item in zip(parts[::2], items, strict=True):
        if item is None:
            shown.append(MASK if part.strip() else part)  # the rest of a value that holds a separator
        elif item["name"].strip().lower() in _PLAIN_HEADERS:
            shown.append(mask_text(part))
        else:
            shown.append(f"{item['name']}{item['sep']}{MASK}")
    return "".join(part for pair in zip(shown, [*parts[1::2], ""], strict=True) for part in pair)
