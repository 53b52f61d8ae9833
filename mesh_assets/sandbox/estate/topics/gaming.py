"""Games and who plays them."""

from mesh_assets.sandbox.estate.fields import choice, epoch_ms, maybe, own, ref, text, whole, word
from mesh_assets.sandbox.estate.topic import DAY_MS, Topic, configs
from mesh_assets.sandbox.estate.vocabulary import GAME, PLAYER, email, ip_address

TOPICS = (
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
