"""The shop: users, products, what they order, buy and think of it."""

from mesh_assets.sandbox.estate.fields import (
    choice,
    day,
    decimal,
    epoch_ms,
    flag,
    instant,
    maybe,
    own,
    ref,
    several,
    shared,
    text,
    whole,
    word,
)
from mesh_assets.sandbox.estate.topic import DAY_MS, MEBIBYTE, Topic, configs
from mesh_assets.sandbox.estate.vocabulary import (
    ADDRESS,
    MONEY,
    ORDER,
    PRODUCT,
    STORE,
    USER,
    email,
    full_name,
    phone,
)

TOPICS = (
    Topic(
        name="users",
        population=USER,
        per_minute=4,
        compatibility="FULL",
        config=configs(cleanup_policy="compact", min_cleanable_dirty_ratio=0.3, segment_bytes=16 * MEBIBYTE),
        fields={
            "user_id": own(USER),
            "name": full_name(),
            "email": email(),
            "phone": maybe(phone()),
            "gender": choice("FEMALE", "MALE", "OTHER"),
            "region_id": word("region_1", "region_2", "region_3", "region_4"),
            "registered_on": day(),
        },
    ),
    Topic(
        name="product",
        population=PRODUCT,
        per_minute=3,
        config=configs(cleanup_policy="compact", compression_type="zstd", max_compaction_lag_ms=7 * DAY_MS),
        fields={
            "product_id": own(PRODUCT),
            "name": word(
                "Kettle", "Lamp", "Notebook", "Backpack", "Desk", "Chair", "Headphones", "Bicycle light"
            ),
            "category": choice("home", "office", "outdoor", "audio"),
            "price": shared(MONEY),
            "weight_grams": whole(20, 30_000),
            "discontinued": maybe(flag(0.05), since=2),
        },
    ),
    Topic(
        name="orders",
        per_minute=70,
        compatibility="BACKWARD_TRANSITIVE",
        config=configs(retention_ms=30 * DAY_MS, min_insync_replicas=2, max_message_bytes=2 * MEBIBYTE),
        fields={
            "order_id": own(ORDER),
            "order_time": epoch_ms(),
            "user_id": ref(USER),
            "product_id": ref(PRODUCT),
            "units": whole(1, 12),
            "total": shared(MONEY),
            "status": choice("placed", "paid", "packed", "shipped"),
            "shipping_address": maybe(shared(ADDRESS)),
            "coupon": maybe(text("SAVE-##"), since=2),
        },
    ),
    Topic(
        name="purchases",
        per_minute=50,
        config=configs(retention_ms=14 * DAY_MS),
        fields={
            "purchase_id": text("pur-########"),
            "order_id": ref(ORDER),
            "user_id": ref(USER),
            "product_id": ref(PRODUCT),
            "price": shared(MONEY),
            "purchased_at": instant(),
        },
    ),
    Topic(
        name="inventory",
        per_minute=20,
        config=configs(cleanup_policy="compact,delete", retention_ms=7 * DAY_MS, delete_retention_ms=DAY_MS),
        fields={
            "product_id": ref(PRODUCT),
            "store_id": ref(STORE),
            "quantity": whole(0, 500),
            "reorder_level": whole(5, 50),
            "counted_at": instant(),
            "shelf": maybe(text("A##-#"), since=2),
        },
    ),
    Topic(
        name="stores",
        population=STORE,
        per_minute=1,
        config=configs(cleanup_policy="compact", min_compaction_lag_ms=60_000),
        fields={
            "store_id": own(STORE),
            "name": word("Central", "Harbour", "Old Town", "Airport", "Riverside"),
            "address": shared(ADDRESS),
            "phone": phone(),
            "opened_on": day(),
        },
    ),
    Topic(
        name="ratings",
        per_minute=30,
        config=configs(retention_bytes=512 * MEBIBYTE),
        fields={
            "rating_id": text("rat-########"),
            "user_id": ref(USER),
            "product_id": ref(PRODUCT),
            "stars": whole(1, 5),
            "channel": choice("ios", "android", "web", "iOS-test"),
            "message": maybe(
                word("works well", "arrived late", "would buy again", "airport refurb ftw", "meh")
            ),
            "tags": several(word("quality", "price", "delivery", "packaging"), most=3),
            "helpfulness": maybe(decimal(0, 1), since=2),
            "rated_at": instant(),
        },
    ),
)
