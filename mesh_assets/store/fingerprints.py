"""Whether a secret in a connector's config changed, without the secret: keyed fingerprints, which stay in the store.

A masked value looks the same before and after a rotation. So a run keeps an HMAC of each value that it masks, with a
random key of this store, and compares it with that of the latest document. Neither key nor fingerprints are part of a
document, an event or an answer. Without the key used then (lost, damaged, another store), nothing is claimed.
"""

import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeVar

import msgspec

from mesh_assets.diff.connectors import SecretPlace
from mesh_assets.errors import ConflictError, StoreError
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.inventory.sections import SecretFingerprints
from mesh_assets.store.layout import safe
from mesh_assets.store.objects import PRIVATE, ObjectStore
from mesh_assets.store.pointers import Pointer

logger = logging.getLogger(__name__)

_KEY = f"{PRIVATE}fingerprint-key.json"
_KEY_BYTES = 32
_DIGITS = 32


class FingerprintKey(Record, frozen=True, kw_only=True):
    """`id` names the key in the fingerprints it made, so that another key's fingerprints are not taken for
    changed secrets."""

    id: str
    key: bytes

    def __repr__(self) -> str:
        return f"FingerprintKey(id={self.id!r})"

    def of(self, *place_and_value: str) -> str:
        """The fingerprint of a value at its place: the same secret in two places has two."""
        text = msgspec.json.encode(place_and_value)
        return hmac.new(self.key, text, hashlib.sha256).hexdigest()[:_DIGITS]


class _Kept(Record, frozen=True, kw_only=True):
    """By document key: the fingerprints for the latest document and the one being published."""

    documents: dict[str, SecretFingerprints]


class Compared(Record, frozen=True, kw_only=True):
    """`now`: what to keep with the document. `changed`: the secrets that differ from before. `beside`: the
    key of the document that it was compared with."""

    now: SecretFingerprints | None
    changed: tuple[SecretPlace, ...]
    beside: str | None


ReadFingerprints = Callable[[Document], SecretFingerprints | None]
"""For the secrets in the document's connectors; None: none were read."""

_R = TypeVar("_R")
_keys = msgspec.json.Decoder(FingerprintKey)
_kept = msgspec.json.Decoder(_Kept)


def fingerprint_key(objects: ObjectStore) -> FingerprintKey | None:
    """The store's key, made at the first call, and again if it is damaged. None if it cannot be read, e.g. by
    another user of the same folder: a discovery does without, and logs it."""
    try:
        return _fingerprint_key(objects)
    except StoreError as error:
        logger.warning("%s; so changes of secrets go unnoticed in this run", error)
        return None


def _fingerprint_key(objects: ObjectStore) -> FingerprintKey:
    while True:
        found = objects.get(_KEY)
        key = None if found is None else _decoded(_keys, found[0], objects.location(_KEY))
        if key is not None and len(key.key) == _KEY_BYTES:
            return key
        new = FingerprintKey(id=secrets.token_hex(8), key=secrets.token_bytes(_KEY_BYTES))
        data = msgspec.json.encode(new)
        with suppress(ConflictError):  # another process was faster
            if found is None:
                objects.put_new(_KEY, data)
            else:
                objects.put_if(_KEY, data, found[1])


class KeptFingerprints:
    """The fingerprints of one cluster. Written only under the cluster's lock."""

    def __init__(self, objects: ObjectStore, cluster_id: str) -> None:
        self._objects = objects
        self._place = f"{PRIVATE}fingerprints/{safe(cluster_id)}.json"

    def compared(
        self,
        document: Document,
        read: SecretFingerprints | None,
        *,
        previous: Document | None,
        latest: tuple[Pointer, str] | None,
    ) -> Compared:
        """Compares what was read for `document` with the fingerprints of `previous`, if that is the store's
        `latest` and not taken from the topic. Connectors whose config could not be read keep theirs, like
        their records. If the store cannot return them, nothing is claimed, and the log says so."""
        ours = latest is not None and previous is not None and previous.run_id == latest[0].run_id
        key = latest[0].document.key if latest is not None and ours else None
        try:
            before = None if key is None else self.of(key)
        except StoreError as error:
            logger.warning("%s; so changes of secrets go unnoticed in this run", error)
            return Compared(now=None, changed=(), beside=key)
        if before is None or read is None or before.key_id != read.key_id:
            return Compared(now=read or before, changed=(), beside=key)
        now: dict[str, dict[str, str]] = {}
        changed: list[SecretPlace] = []
        for connector in document.connectors:
            identity = _identity(connector.connect, connector.name)
            now[identity] = read.connectors.get(identity, before.connectors.get(identity, {}))
            changed += [
                (connector.connect, connector.name, name)
                for name in others_than(before, read, connector.connect, connector.name)
            ]
        fingerprints = SecretFingerprints(key_id=read.key_id, connectors=now)
        return Compared(now=fingerprints, changed=tuple(changed), beside=key)

    def of(self, document_key: str) -> SecretFingerprints | None:
        """The fingerprints that belong to the document, if it is the latest one. Raises StoreError when the
        store fails."""
        return self._all().get(document_key)

    def keep(self, document_key: str, compared: Compared) -> None:
        """Keeps the fingerprints of a document about to be published, and those of the one it was compared
        with, which is the latest until then. No others are needed for comparison. Raises StoreError when the
        store fails."""
        if compared.now is not None:
            kept = {key: some for key, some in self._all().items() if key == compared.beside}
            data = msgspec.json.encode(_Kept(documents={**kept, document_key: compared.now}))
            self._objects.put(self._place, data)

    def _all(self) -> dict[str, SecretFingerprints]:
        found = self._objects.get(self._place)
        kept = None if found is None else _decoded(_kept, found[0], self._objects.location(self._place))
        return {} if kept is None else kept.documents


def _decoded(decoder: msgspec.json.Decoder[_R], data: bytes, location: str) -> _R | None:
    try:
        return decoder.decode(data)
    except UNDECODABLE:
        # Without the decoder's message, which may quote the content; and not set aside, since nobody may look
        # at it.
        logger.warning("%s is damaged and was recreated: changes of secrets go unnoticed once", location)
        return None


def fingerprints_of(
    key: FingerprintKey, configs: Mapping[tuple[str, str], Mapping[str, str]]
) -> SecretFingerprints:
    """The secrets in the configs: endpoint and connector → key → value."""
    return SecretFingerprints(
        key_id=key.id,
        connectors={
            _identity(connect, name): {
                config_key: key.of(connect, name, config_key, value) for config_key, value in secrets_.items()
            }
            for (connect, name), secrets_ in configs.items()
        },
    )


def others_than(
    before: SecretFingerprints, now: SecretFingerprints, connect: str, name: str
) -> tuple[str, ...]:
    """The keys of the connector's config whose secret has changed, judging by fingerprints made with one key.
    A key that only one of the two has does not count."""
    if before.key_id != now.key_id:
        return ()
    old = before.connectors.get(_identity(connect, name), {})
    new = now.connectors.get(_identity(connect, name), {})
    return tuple(key for key, fingerprint in new.items() if old.get(key, fingerprint) != fingerprint)


def _identity(connect: str, name: str) -> str:
    return f"{connect}\n{name}"
