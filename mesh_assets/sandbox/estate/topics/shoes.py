"""The shoe shop."""

from mesh_assets.sandbox.estate.fields import decimal, epoch_ms, maybe, own, ref, shared, text, whole, word
from mesh_assets.sandbox.estate.topic import DAY_MS, Topic, configs
from mesh_assets.sandbox.estate.vocabulary import (
    ADDRESS,
    MONEY,
    SHOE,
    SHOE_CUSTOMER,
    SHOE_ORDER,
    email,
    first_name,
    ip_address,
    last_name,
    phone,
)

TOPICS = (
    Topic(
        name="shoes",
        population=SHOE,
        per_minute=1,
        config=configs(cleanup_policy="compact", segment_ms=DAY_MS),
        fields={
            "product_id": own(SHOE),
            "brand": word("Jones-Stokes", "Beier Inc", "Braun-Bruen", "Ankunding and Sons"),
            "name": word("Air Pro", "Trail 4", "Court Classic", "Runner 7"),
            "sale_price": shared(MONEY),
            "rating": decimal(1, 5, 1),
        },
    ),
    Topic(
        name="shoe_customers",
        population=SHOE_CUSTOMER,
        per_minute=2,
        config=configs(cleanup_policy="compact"),
        fields={
            "customer_id": own(SHOE_CUSTOMER),
            "first_name": first_name(),
            "last_name": last_name(),
            "email": email(),
            "phone": phone(),
            "address": shared(ADDRESS),
        },
    ),
    Topic(
        name="shoe_orders",
        per_minute=30,
        config=configs(retention_ms=-1),
        fields={
            "order_id": own(SHOE_ORDER),
            "product_id": ref(SHOE),
            "customer_id": ref(SHOE_CUSTOMER),
            "size_eu": whole(35, 48),
            "gift_note": maybe(word("Happy birthday", "Thank you"), since=2),
            "ordered_at": epoch_ms(),
        },
    ),
    Topic(
        name="shoe_clickstream",
        per_minute=60,
        config=configs(retention_ms=2 * DAY_MS, compression_type="gzip"),
        fields={
            "product_id": ref(SHOE),
            "customer_id": ref(SHOE_CUSTOMER),
            "view_seconds": whole(1, 120),
            "page_url": text("https://shoes.example.com/item/####"),
            "ip": ip_address(),
            "ts": epoch_ms(),
        },
    ),
)
