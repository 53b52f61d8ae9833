"""Insurance: customers, offers, what they do with them."""

from mesh_assets.sandbox.estate.fields import choice, day, instant, own, ref, shared, word
from mesh_assets.sandbox.estate.topic import DAY_MS, Topic, configs
from mesh_assets.sandbox.estate.vocabulary import (
    ADDRESS,
    INSURED,
    MONEY,
    OFFER,
    email,
    first_name,
    ip_address,
    last_name,
    phone,
)

TOPICS = (
    Topic(
        name="insurance_customers",
        population=INSURED,
        per_minute=2,
        config=configs(cleanup_policy="compact", delete_retention_ms=2 * DAY_MS),
        fields={
            "customer_id": own(INSURED),
            "first_name": first_name(),
            "last_name": last_name(),
            "email": email(),
            "phone": phone(),
            "date_of_birth": day(),
            "address": shared(ADDRESS),
        },
    ),
    Topic(
        name="insurance_customer_activity",
        per_minute=20,
        config=configs(retention_ms=60 * DAY_MS),
        fields={
            "customer_id": ref(INSURED),
            "offer_id": ref(OFFER),
            "activity": choice("web_open", "mobile_open", "new_account", "web_chat"),
            "ip": ip_address(),
            "happened_at": instant(),
        },
    ),
    Topic(
        name="insurance_offers",
        population=OFFER,
        per_minute=1,
        compatibility="FORWARD",
        config=configs(cleanup_policy="compact,delete", retention_ms=365 * DAY_MS),
        fields={
            "offer_id": own(OFFER),
            "kind": word("home", "car", "travel", "life"),
            "premium": shared(MONEY),
            "valid_from": day(),
        },
    ),
)
