"""Money: cards, payments, trades, donations."""

from mesh_assets.sandbox.estate.fields import (
    Entity,
    choice,
    day,
    decimal,
    epoch_ms,
    flag,
    instant,
    maybe,
    own,
    ref,
    shared,
    text,
    whole,
    word,
)
from mesh_assets.sandbox.estate.topic import DAY_MS, MEBIBYTE, Topic, configs
from mesh_assets.sandbox.estate.vocabulary import (
    ADDRESS,
    CANDIDATE,
    CARD,
    MONEY,
    USER,
    card_number,
    full_name,
)

_TRANSACTION = Entity("transaction_id", "txn-{:08d}", 300)

TOPICS = (
    Topic(
        name="campaign_finance",
        per_minute=6,
        config=configs(retention_ms=730 * DAY_MS),
        fields={
            "contribution_id": text("con-########"),
            "candidate_id": ref(CANDIDATE),
            "party_affiliation": word("DEM", "REP", "IND"),
            "contributor_name": full_name(),
            "contributor_address": shared(ADDRESS),
            "contribution": whole(10, 5000),
            "time": epoch_ms(),
        },
    ),
    Topic(
        name="credit_cards",
        population=CARD,
        per_minute=2,
        compatibility="FULL_TRANSITIVE",
        config=configs(cleanup_policy="compact", min_insync_replicas=2),
        fields={
            "card_id": own(CARD),
            "user_id": ref(USER),
            "card_number": card_number(),
            "cvv": text("###"),
            "expiration_date": word("01/29", "06/30", "09/28", "12/31"),
            "holder_name": full_name(),
        },
    ),
    Topic(
        name="stock_trades",
        per_minute=100,
        config=configs(retention_ms=DAY_MS, max_message_bytes=512 * 1024, flush_messages=10_000),
        fields={
            "side": choice("BUY", "SELL"),
            "symbol": word("ZTEST", "ZVZZT", "ZXZZT", "ZWZZT", "ZBZX"),
            "quantity": whole(1, 5000),
            "price": decimal(5, 1000),
            "account": text("ACC###"),
            "user_id": ref(USER),
            "venue": maybe(choice("XNAS", "XNYS", "XETR"), since=2),
            "ts": epoch_ms(),
        },
    ),
    Topic(
        name="transactions",
        per_minute=60,
        config=configs(retention_ms=180 * DAY_MS, min_insync_replicas=2, segment_bytes=32 * MEBIBYTE),
        fields={
            "transaction_id": own(_TRANSACTION),
            "card_id": ref(CARD),
            "user_id": ref(USER),
            "amount": shared(MONEY),
            "merchant": word("Grocer", "Petrol", "Bookshop", "Airline"),
            "fraudulent": flag(0.02),
            "posted_on": day(),
            "happened_at": instant(),
        },
    ),
)
