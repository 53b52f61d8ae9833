from mesh_assets.sensing.cursor import (
    ClusterCursor,
    Flaps,
    SensorCursor,
    decode_cursor,
    encode_cursor,
)


def test_a_cursor_of_clusters_at_rest_is_small() -> None:
    cursor = SensorCursor(clusters={f"cluster-{number}": ClusterCursor() for number in range(100)})

    assert encode_cursor(cursor) == "{}"


def test_a_cursor_survives_and_one_of_another_version_starts_over() -> None:
    cursor = SensorCursor(
        unreached=("a",),
        clusters={
            "b": ClusterCursor(
                bulk=True, flaps={"main/orders-sink": Flaps(since=1.0, failures=2, failed=True)}
            )
        },
    )

    assert decode_cursor(encode_cursor(cursor)) == cursor
    assert decode_cursor(None) == decode_cursor("17") == decode_cursor('{"clusters": []}') == SensorCursor()
