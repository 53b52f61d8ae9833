"""Which values look personal. A field's name is not evidence: only values count, and how many of them."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Literal

from mesh_assets.inventory.records import Record

PersonalKind = Literal["email", "phone", "iban", "card", "ip"]


class LooksPersonal(Record, frozen=True, kw_only=True):
    """`share`: of the non-null values, those that hold something of this `kind`."""

    kind: PersonalKind
    share: float
    records: int


_LONGEST = 2_000
"""How many characters of a value are searched."""
_EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])"
)
_PHONE = re.compile(
    r"(?<![\w.+])(?:\+[1-9]\d{0,2}[ ./-]?(?:\(\d{1,4}\)[ ./-]?)?\d(?:[ ./-]?\d){5,12}"
    r"|\(\d{3}\) ?\d{3}[ .-]\d{4}|[2-9]\d{2}-\d{3}-\d{4})(?![\w-])"
)
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")
_CARD = re.compile(r"(?<![\w.-])[2-6]\d{3}(?:[ -]?\d){9,15}(?![\w-]|\.\d)")
_IP = re.compile(
    r"(?<![\w.:])(?:(?:\d{1,3}\.){3}\d{1,3}|(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4})(?![\w:]|\.\d)"
)
_CARD_LENGTHS = range(13, 20)
_SHORTEST_IBAN = 15
_DIGITS = re.compile(r"\d.{0,3}\d.{0,3}\d")
"""What a phone number, an IBAN and a card number contain; most texts do not, and need no further search."""


def looks_personal(values: Sequence[object]) -> tuple[LooksPersonal, ...]:
    """What kinds of personal data the values (not null) hold, the most frequent first. Numbers count as cards only."""
    if not values:
        return ()
    found: list[LooksPersonal] = []
    # Frequent values are searched once.
    counts = Counter(one[:_LONGEST] for one in values if isinstance(one, str))
    texts = list(counts)
    whole = Counter(str(one) for one in values if isinstance(one, int) and not isinstance(one, bool))
    numbers = list(whole)
    mails, digits = [one for one in texts if "@" in one], [one for one in texts if _DIGITS.search(one)]
    searched_for: Mapping[PersonalKind, list[str]] = {
        "email": mails,
        "phone": digits,
        "iban": [one for one in digits if len(one) >= _SHORTEST_IBAN],
        "card": [*(one for one in digits if len(one) >= _CARD_LENGTHS[0]), *numbers],
        "ip": [one for one in texts if one.count(".") >= 3 or one.count(":") >= 2],
    }
    for kind, holds in _KINDS.items():
        searched = searched_for[kind]
        records = sum(counts[one] + whole[one] for one in searched if holds(one))
        # One in twenty numbers of random digits passes for a card number, so they count only if most of the
        # candidates pass.
        by_chance = kind == "card" and 2 * records < sum(
            counts[one] + whole[one] for one in searched if _CARD.search(one)
        )
        if records and not by_chance:
            found.append(LooksPersonal(kind=kind, share=records / len(values), records=records))
    return tuple(sorted(found, key=lambda one: -one.records))


def _email(text: str) -> bool:
    return _EMAIL.search(text) is not None


def _phone(text: str) -> bool:
    return _PHONE.search(text) is not None


def _any(pattern: re.Pattern[str], is_one: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: any(is_one(match[0]) for match in pattern.finditer(text))


def is_iban(text: str) -> bool:
    """By ISO 13616: 15 to 34 characters whose number, with the first four moved to the end, leaves 1 divided by 97."""
    plain = text.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(one, 36)) for one in plain[4:] + plain[:4])) % 97 == 1


def is_card(text: str) -> bool:
    """By ISO/IEC 7812: an issuer's first digit, 13 to 19 digits, and Luhn's check digit."""
    digits = [int(one) for one in text if one.isdigit()]
    if len(digits) not in _CARD_LENGTHS or len(set(digits)) < 2 or digits[0] not in range(2, 7):
        return False
    doubled = [one if place % 2 else 2 * one - 9 * (one > 4) for place, one in _places(digits)]
    return sum(doubled) % 10 == 0


def _places(digits: Sequence[int]) -> Iterable[tuple[int, int]]:
    """Counted from 1 at the last digit, so that odd places stay unchanged."""
    return ((len(digits) - place, one) for place, one in enumerate(digits))


def is_ip(text: str) -> bool:
    """The address of one machine: not loopback, not `0.0.0.0`, not a program's version."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or address.is_multicast)


_KINDS: Mapping[PersonalKind, Callable[[str], bool]] = {
    "email": _email,
    "phone": _phone,
    "iban": _any(_IBAN, is_iban),
    "card": _any(_CARD, is_card),
    "ip": _any(_IP, is_ip),
}
