"""Which names hold secrets: keys of connector configs, and names of pairs within a text.

A name is judged by its words, so `dbPass`, `db_pwd` and `DB.PASSWORD` are one thing and `tokenizer` is not a
token.
"""

import re
from itertools import pairwise
from typing import Literal

Secrecy = Literal["secret", "key_material", "headers", "login"]
"""`key_material` may also be the path of a file, a public certificate or the ARN of a key, which are not
secrets; `headers` are pairs, some of which are; `login` is a user and a password, or the word for a way to
log in."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# The end of a longer name carries all of its meaning.
_NAME_CHARACTERS = 200
# The user chooses an alias: `transforms.maskToken.fields` is about fields.
_ALIAS = re.compile(r"^(?:transforms|predicates|config\.providers)\.[^.]+\.(?=.)")
# Debezium's masking of columns: the value names columns, and a salt is part of the key (configs.py).
_OF_COLUMNS = "column.mask."

_SECRETS = _words(
    """password passwords passwd passphrase passcode pwd pw psw pswd pword passwort kennwort psk pass secret secrets
    credential credentials cred creds
    token tokens jaas cookie cookies bearer dsn webhook authorization license licence salt userinfo apikey
    hmac sas jwt otp"""
)
_MATERIAL = _words("pem keytab keyfile jwk jwks dek kek")
# In configs only: records may be about pepper.
_SECRETS_OF_CONFIGS = _words("pin pepper mnemonic")
# How Chinese clouds abbreviate access key and secret key: `obs.ak`, `obs_sk`. Alone, `sk` is also a sort key of DynamoDB.
_ABBREVIATED = _words("ak sk aksk")
# Written out rather than kept in a file: `keystore.base64` (whose words are `keystore base`), `keyfile.json`.
_WRITTEN_OUT = _words("content contents base json data string text inline")
_FILES_OF_KEYS = _words("keystore keytab keyfile")
_NO_KEYS = _words("monkey turkey donkey hockey jockey whiskey")
# Words written together: `dbpassword`, `awssecretaccesskey`, `AccountKey` as `accountkey`.
_ENDINGS = (
    "password passwd passphrase pwd secret credentials token apikey accesskey secretkey privatekey accountkey sharedkey authkey signingkey "
    "encryptionkey masterkey subscriptionkey securitykey userinfo connectionstring dbpass userpass secretid accesskeyid accessid"
)
_ENDINGS_OF_SECRETS = tuple(_ENDINGS.split())
_PAIRS = frozenset(
    {
        ("connection", "string"),
        ("conn", "string"),
        ("conn", "str"),
        ("user", "info"),
        ("basic", "info"),
        ("auth", "info"),
        ("auth", "header"),
        ("account", "json"),
        ("key", "material"),
        ("key", "content"),
        ("key", "contents"),
        ("key", "data"),
        ("key", "json"),
        ("key", "pem"),
        ("key", "base"),
        ("key", "string"),
        ("pass", "phrase"),
        ("seed", "phrase"),
        ("nkey", "seed"),
        ("totp", "seed"),
        ("community", "string"),  # of SNMP
        ("snmp", "community"),
        ("access", "signature"),
        ("client", "assertion"),
        ("access", "id"),  # Alibaba's, as `access.key.id` is Amazon's
        ("auth", "value"),
    }
)

# Last words that describe a secret without being one: where it is, how long it lives, what it is called.
_ABOUT = _words(
    """provider providers class type types location path paths file files filename folder directory dir enable
    enabled required source mechanism alias algorithm name names url urls uri uris endpoint endpoints ttl
    max min size count limit timeout ms millis seconds sec minutes hours days interval period prefix suffix
    field fields format strategy policy version scope scopes audience issuer host hosts port column columns
    length retries retry mode method expiry expiration expires age skew refresh regex pattern topic topics
    factor partitions servers property attribute attributes parameter arn role region kind encoding charset
    separator delimiter position order present supported allowed validator factory manager service exception
    error status code keyname java handler callback converter serializer deserializer cache pool bucket store"""
)
_AMOUNTS = frozenset({"max", "min", "num", "number"})
# Secret despite the last word: knowing the address is the right to post.
_ADDRESSES = _words("url urls uri uris endpoint")

# `*.key` is a secret unless it is one of these: parts of data, not of cryptography.
_KEYS_OF_DATA = _words(
    """message record records routing partition partitioning partitioner primary document sort row hash range
    foreign object cache public business unique shard sharding clustering cluster grouping group order
    ordering distribution dist natural surrogate composite kafka json map dedup deduplication event output
    input target sink field column header topic schema index lookup join translation config property
    metadata tag parent child null empty default include ignore use has with delete on entity aggregate
    redis tombstone filter stream item match merge upsert conflict bind binding s3 blob file id node edge
    table collection counter window state sequence idempotency correlation format"""
)
_KEYS_OF_CRYPTOGRAPHY = _words(
    """api access secret security private encryption encrypt decryption cipher aes rsa hmac signing sign signature
    subscription master account sas shared storage consumer client ssl tls ssh pgp auth authentication app
    application function admin license keystore pem integration write sse dek kek session service"""
)
_IDENTIFYING_KEYS = frozenset({"access", "api", "consumer", "secret"})
_NO_PASS = ("bypass", "compass", "encompass")
# In the query of a URL these are signatures and keys: Azure's SAS and functions, Google's and HubSpot's APIs.
_IN_QUERIES = _words("sig signature key code hapikey auth apikey ak sk")


def words_of(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name[-_NAME_CHARACTERS:])]


def secrecy_of_key(key: str) -> Secrecy | None:
    """What the value of this config key may be; None: nothing secret, by its name. If in doubt, it is
    secret."""
    words = _unnumbered(words_of(_ALIAS.sub("", key[-_NAME_CHARACTERS:])))
    if not words or key.startswith(_OF_COLUMNS):
        return None
    if "headers" in words and words[-1] in ("headers", "additional", "static", "extra"):
        return "headers"
    if _is_about(words):
        return None
    if _holds_secret(words):
        return "secret"
    if stem := _stem_of_key(words):
        return None if stem in _KEYS_OF_DATA else "key_material"
    if words[-2:-1] == ["key"] and words[-1] == "id":
        return "secret" if not _IDENTIFYING_KEYS.isdisjoint(words[-3:-2]) else None
    if words[-1] in _MATERIAL or (words[-1] in _WRITTEN_OUT and words[-2:-1] and words[-2] in _FILES_OF_KEYS):
        return "key_material"
    if words[-1] in _SECRETS_OF_CONFIGS or words[-2:] == ["session", "id"]:
        return "secret"
    if words[-1] in _ABBREVIATED and "dynamodb" not in words:
        return "secret"
    return "login" if words[-1] == "auth" else None


def _unnumbered(words: list[str]) -> list[str]:
    """Without the number that tells several apart: `api.key.1`, `apiKey2`, `api_key_v3`."""
    end = len(words)
    while end > 1 and (words[end - 1].isdigit() or (words[end - 1] == "v" and end < len(words))):
        end -= 1
    return words[:end]


def _stem_of_key(words: list[str]) -> str | None:
    """What kind of key it is (`signing.key`, `signingkey`: signing), `?` if the name does not say; None: not
    a key."""
    last = words[-1].removesuffix("s")
    if not last.endswith("key") or last in _NO_KEYS:
        return None
    return last.removesuffix("key") or (words[-2] if len(words) > 1 else "?")


def is_plain_key(key: str) -> bool:
    """Whether the name itself says that the value is not a secret, or that its parts are judged one by one.
    Other names are merely not known to hold one."""
    words = _unnumbered(words_of(_ALIAS.sub("", key[-_NAME_CHARACTERS:])))
    secrecy = secrecy_of_key(key)
    return secrecy == "headers" or (
        secrecy is None and bool(words) and (_is_about(words) or _stem_of_key(words) is not None)
    )


def is_secret_name(name: str, *, in_query: bool = False, in_prose: bool = False) -> bool:
    """Whether a pair of this name within a text holds a secret: less strict than for the key of a config,
    since texts are full of names. `in_prose`: the name must end with the telltale word."""
    words = _unnumbered(words_of(name))
    if not words:
        return False
    if in_query and (words[-1] in _IN_QUERIES or words[-2:] == ["amz", "credential"]):
        return True
    if words[-1] == "auth" and "-" in name:
        return True  # a header: `X-Shop-Auth`
    if words[-1] in _ABBREVIATED and words != ["sk"]:
        return "dynamodb" not in words
    if words[-1] in ("sig", "authorization") or words[-2:] == ["key", "id"]:
        return words[-1] != "id" or not _IDENTIFYING_KEYS.isdisjoint(words[-3:-2])
    if stem := _stem_of_key(words):
        # A dot marks configs; fields of records are also called `customer_key`.
        return stem not in _KEYS_OF_DATA if "." in name else stem in _KEYS_OF_CRYPTOGRAPHY
    if _is_about(words):
        return False
    return _holds_secret(words[-1:] if in_prose else words) or tuple(words[-2:]) in _PAIRS


def _holds_secret(words: list[str]) -> bool:
    if any(
        word in _SECRETS or (word.endswith(_ENDINGS_OF_SECRETS) and word not in _NO_PASS) for word in words
    ):
        return True
    if any(pair in _PAIRS for pair in pairwise(words)):
        return True
    return ("authorization" in words or "auth" in words) and words[-1] == "header"


def _is_about(words: list[str]) -> bool:
    last = words[-1]
    if "webhook" in words and last in _ADDRESSES:
        return False
    if last == "id":
        # Vault's `secret.id` is the secret itself; a key's id is judged as a key.
        return len(words) < 2 or words[-2] not in ("secret", "token", "key", "session", "access")
    if last in ("tokens", "token") and not _AMOUNTS.isdisjoint(words):
        return True
    return last in _ABOUT
