"""Pizza: ordered, and then completed or cancelled."""

from mesh_assets.sandbox.estate.fields import choice, epoch_ms, own, ref, several, shared, whole, word
from mesh_assets.sandbox.estate.topic import DAY_MS, Topic, configs
from mesh_assets.sandbox.estate.vocabulary import MONEY, PIZZA_ORDER, STORE, full_name, phone

TOPICS = (
    Topic(
        name="pizza_orders",
        per_minute=20,
        config=configs(retention_ms=10 * DAY_MS, min_insync_replicas=2),
        fields={
            "order_id": own(PIZZA_ORDER),
            "store_id": ref(STORE),
            "customer_name": full_name(),
            "customer_phone": phone(),
            "pizzas": several(choice("margherita", "funghi", "diavola", "quattro formaggi"), most=4),
            "total": shared(MONEY),
            "ordered_at": epoch_ms(),
        },
    ),
    Topic(
        name="pizza_orders_cancelled",
        per_minute=4,
        config=configs(retention_ms=90 * DAY_MS),
        fields={
            "order_id": ref(PIZZA_ORDER),
            "store_id": ref(STORE),
            "reason": word("changed mind", "too slow", "wrong address"),
            "cancelled_at": epoch_ms(),
        },
    ),
    Topic(
        name="pizza_orders_completed",
        per_minute=14,
        fields={
            "order_id": ref(PIZZA_ORDER),
            "store_id": ref(STORE),
            "minutes": whole(9, 70),
            "completed_at": epoch_ms(),
        },
    ),
)
