"""The web site's visitors, and players of online games."""

from mesh_assets.sandbox.estate.topic import (
    DAY_MS,
    MEBIBYTE,
    Entity,
    Topic,
    choice,
    configs,
    day,
    epoch_ms,
    instant,
    maybe,
    own,
    ref,
    text,
    whole,
    word,
)
from mesh_assets.sandbox.estate.vocabulary import (
    GAME,
    PLAYER,
    SESSION,
    USER,
    email,
    first_name,
    ip_address,
    last_name,
)

_CODE = Entity("code_id", "code-{:02d}", 40)

TOPICS = (
    # What visitors of the web site do.
    Topic(
        name="clickstream",
        per_minute=180,
        compatibility="NONE",
        config=configs(retention_ms=3 * DAY_MS, segment_bytes=8 * MEBIBYTE, compression_type="lz4"),
        fields={
            "session_id": ref(SESSION),
            "user_id": ref(USER),
            "ip": ip_address(),
            "request": word(
                "GET /index.html HTTP/1.1",
                "GET /products HTTP/1.1",
                "POST /cart HTTP/1.1",
                "GET /images/logo.png HTTP/1.1",
            ),
            "status": word("200", "200", "302", "404", "407", "500"),
            "bytes": whole(120, 90_000),
            "referrer": maybe(word("https://shop.example.com/", "https://search.example.com/"), since=2),
            "agent": word("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (iPhone)", "ExampleBot/2.1"),
            "time": epoch_ms(),
        },
    ),
    Topic(
        name="clickstream_codes",
        population=_CODE,
        per_minute=1,
        config=configs(cleanup_policy="compact"),
        fields={
            "code_id": own(_CODE),
            "status": word("200", "302", "404", "407", "500"),
            "definition": word("ok", "redirect", "missing", "error"),
        },
    ),
    Topic(
        name="clickstream_users",
        population=USER,
        per_minute=4,
        config=configs(cleanup_policy="compact", max_message_bytes=256 * 1024),
        fields={
            "user_id": own(USER),
            "username": text("visitor####"),
            "first_name": first_name(),
            "last_name": last_name(),
            "email": email(),
            "level": choice("Gold", "Silver", "Platinum"),
            "registered_on": day(),
        },
    ),
    Topic(
        name="pageviews",
        per_minute=180,
        config=configs(retention_ms=DAY_MS, retention_bytes=256 * MEBIBYTE),
        fields={
            "view_id": text("view-########"),
            "user_id": ref(USER),
            "page_id": text("page_##"),
            "session_id": ref(SESSION),
            "view_ms": whole(200, 120_000),
            "viewed_at": instant(),
        },
    ),
    # Games and who plays them.
    Topic(
        name="gaming_games",
        population=GAME,
        per_minute=1,
        config=configs(cleanup_policy="compact"),
        fields={
            "game_id": own(GAME),
            "title": word("Starfall", "Deep Mine", "Kart Kings", "Tower Garden"),
            "genre": choice("action", "puzzle", "racing", "strategy"),
            "room_size": whole(2, 64),
        },
    ),
    Topic(
        name="gaming_players",
        population=PLAYER,
        per_minute=2,
        config=configs(cleanup_policy="compact", segment_ms=7 * DAY_MS),
        fields={
            "player_id": own(PLAYER),
            "player_name": text("gamer####"),
            "email": email(),
            "ip": ip_address(),
            "rank": maybe(choice("rookie", "veteran", "legend"), since=2),
        },
    ),
    Topic(
        name="gaming_player_activity",
        per_minute=60,
        config=configs(retention_ms=5 * DAY_MS),
        fields={
            "player_id": ref(PLAYER),
            "game_id": ref(GAME),
            "event": choice("joined", "scored", "left", "chatted"),
            "points": whole(0, 500),
            "event_time": epoch_ms(),
        },
    ),
)
