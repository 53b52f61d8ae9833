"""Fields that look personal, for everything that must recognise and mask them. The people are made up."""

from mesh_assets.sandbox.estate.fields import Draw, Field

_FIRST = (
    "Ada",
    "Ben",
    "Chidi",
    "Dana",
    "Emil",
    "Farah",
    "Goran",
    "Hana",
    "Ines",
    "Jonas",
    "Kira",
    "Luis",
    "Mei",
    "Nora",
    "Omar",
    "Pia",
)
_LAST = (
    "Adler",
    "Baker",
    "Costa",
    "Dietz",
    "Eriksen",
    "Fischer",
    "Garcia",
    "Haddad",
    "Ito",
    "Jensen",
    "Kaya",
    "Lopez",
    "Moreau",
    "Novak",
)
# Test prefixes that no bank issues.
_CARD_PREFIXES = ("4000 0000", "5555 0000", "3700 0000")


def first_name() -> Field:
    return Field(schema={"type": "string"}, draw=lambda d: d.rng.choice(_FIRST))


def last_name() -> Field:
    return Field(schema={"type": "string"}, draw=lambda d: d.rng.choice(_LAST))


def full_name() -> Field:
    return Field(schema={"type": "string"}, draw=lambda d: f"{d.rng.choice(_FIRST)} {d.rng.choice(_LAST)}")


def email() -> Field:
    """Of the person named before in the record, else of somebody."""

    def draw(d: Draw) -> str:
        named = (
            d.record.get("name")
            or f"{d.record.get('first_name', d.rng.choice(_FIRST))} {d.record.get('last_name', d.rng.choice(_LAST))}"
        )
        return f"{named.lower().replace(' ', '.')}{d.rng.randrange(100)}@example.com"

    return Field(schema={"type": "string", "format": "email"}, draw=draw)


def phone() -> Field:
    return Field(schema={"type": "string"}, draw=lambda d: f"+1-555-{d.rng.randrange(10_000_000):07d}")


def card_number() -> Field:
    return Field(
        schema={"type": "string"},
        draw=lambda d: (
            f"{d.rng.choice(_CARD_PREFIXES)} {d.rng.randrange(10_000):04d} {d.rng.randrange(10_000):04d}"
        ),
    )


def social_security_number() -> Field:
    # 9xx is never given out.
    return Field(
        schema={"type": "string"},
        draw=lambda d: (
            f"9{d.rng.randrange(100):02d}-{d.rng.randrange(100):02d}-{d.rng.randrange(10_000):04d}"
        ),
    )


def ip_address() -> Field:
    """Of the networks reserved for documentation."""
    return Field(
        schema={"type": "string", "format": "ipv4"},
        draw=lambda d: f"{d.rng.choice(('192.0.2', '198.51.100', '203.0.113'))}.{d.rng.randrange(1, 255)}",
    )
