"""What topics share: fields about made-up people, the things that records refer to, types with their own subject."""

from mesh_assets.sandbox.estate.topic import (
    Draw,
    Entity,
    Field,
    SharedType,
    choice,
    decimal,
    text,
    word,
)

# Fields that look personal, for everything that must recognize and mask them.

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
# Test prefixes, which no bank issues.
_CARD_PREFIXES = ("4000 0000", "5555 0000", "3700 0000")


def first_name() -> Field:
    return Field(schema={"type": "string"}, draw=lambda d: d.rng.choice(_FIRST))


def last_name() -> Field:
    return Field(schema={"type": "string"}, draw=lambda d: d.rng.choice(_LAST))


def full_name() -> Field:
    return Field(schema={"type": "string"}, draw=lambda d: f"{d.rng.choice(_FIRST)} {d.rng.choice(_LAST)}")


def email() -> Field:
    """The address of the person named earlier in the record, else of anybody."""

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
    # 9xx is never issued.
    return Field(
        schema={"type": "string"},
        draw=lambda d: (
            f"9{d.rng.randrange(100):02d}-{d.rng.randrange(100):02d}-{d.rng.randrange(10_000):04d}"
        ),
    )


def ip_address() -> Field:
    """An address in the networks reserved for documentation."""
    return Field(
        schema={"type": "string", "format": "ipv4"},
        draw=lambda d: f"{d.rng.choice(('192.0.2', '198.51.100', '203.0.113'))}.{d.rng.randrange(1, 255)}",
    )


USER = Entity("user_id", "user_{:04d}", 250)
PRODUCT = Entity("product_id", "prd-{:04d}", 200)
ORDER = Entity("order_id", "ord-{:06d}", 300)
STORE = Entity("store_id", "store-{:03d}", 40)
PIZZA_ORDER = Entity("order_id", "pizza-{:06d}", 300)
SHOE = Entity("product_id", "shoe-{:03d}", 80)
SHOE_CUSTOMER = Entity("customer_id", "shc-{:04d}", 200)
SHOE_ORDER = Entity("order_id", "sho-{:06d}", 300)
SESSION = Entity("session_id", "sess-{:06d}", 200)
VEHICLE = Entity("vehicle_id", "veh-{:04d}", 60)
DRIVER = Entity("driver_id", "drv-{:04d}", 80)
PLAYER = Entity("player_id", "player-{:04d}", 200)
GAME = Entity("game_id", "game-{:03d}", 40)
INSURED = Entity("customer_id", "ins-{:05d}", 200)
OFFER = Entity("offer_id", "offer-{:03d}", 60)
CARD = Entity("card_id", "card-{:05d}", 250)
EMPLOYEE = Entity("employee_id", "emp-{:04d}", 200)
DEVICE = Entity("device_id", "dev-{:04d}", 120)
CANDIDATE = Entity("candidate_id", "cand-{:03d}", 30)

MONEY = SharedType(
    subject="common.money",
    file="money.json",
    title="Money",
    fields={"amount": decimal(1, 900), "currency": choice("EUR", "USD", "GBP", "JPY")},
)
ADDRESS = SharedType(
    subject="common.address",
    file="address.json",
    title="Address",
    fields={
        "street": text("## Example Street"),
        "city": word("Hamburg", "Lisbon", "Osaka", "Austin", "Nairobi", "Lyon", "Tampere"),
        "postal_code": text("#####"),
        "country": choice("DE", "PT", "JP", "US", "KE", "FR", "FI"),
    },
)
GEO_POINT = SharedType(
    subject="common.geo_point",
    file="geo-point.json",
    title="GeoPoint",
    fields={"latitude": decimal(-60, 70, 5), "longitude": decimal(-170, 170, 5)},
)

SHARED_TYPES = (ADDRESS, GEO_POINT, MONEY)
