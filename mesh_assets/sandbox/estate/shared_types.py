"""The things and types several topics share."""

from mesh_assets.sandbox.estate.fields import Entity, SharedType, choice, decimal, text, word

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
