"""What every object store must do: the folder and the buckets."""

from pathlib import Path

import pytest

from mesh_assets.errors import ConflictError, StoreError
from mesh_assets.store.bucket import BucketStore
from mesh_assets.store.layout import open_store
from mesh_assets.store.objects import ObjectStore
from mesh_assets.store.s3 import S3Bucket
from mesh_assets_tests.store.a_bucket import ABucket
from mesh_assets_tests.store.stores import EVERY_KIND, new_objects


@pytest.fixture(params=["bucket in memory", *EVERY_KIND])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "bucket in memory":
        return BucketStore(S3Bucket(ABucket(), "mesh"), "prod/")
    return new_objects(request, request.param, tmp_path)()


def test_an_object_is_read_back_with_a_version(objects: ObjectStore) -> None:
    version = objects.put("a/b.json", b"1")
    assert objects.get("a/b.json") == (b"1", version)


def test_any_key_and_any_content_come_back_unchanged(objects: ObjectStore) -> None:
    contents = {
        "a%2Fb/ü ?#&+'~.json": b"",
        "a/\u4e2d/%25": bytes(range(256)),
        "large": b"12345678" * 2**20 + b"9",
    }
    for key, data in contents.items():
        version = objects.put_new(key, data)
        assert objects.get(key) == (data, version)
    assert [entry.key for entry in objects.list("")] == sorted(contents)


def test_a_free_key_reads_as_none(objects: ObjectStore) -> None:
    objects.put("a/b.json", b"1")
    assert objects.get("a/c.json") is None
    assert objects.get("a/b.json/c") is None


def test_the_version_changes_with_the_content(objects: ObjectStore) -> None:
    assert objects.put("a", b"1") != objects.put("a", b"2")


def test_put_new_refuses_a_taken_key_and_leaves_it_as_it_was(objects: ObjectStore) -> None:
    version = objects.put_new("a/b", b"1")
    with pytest.raises(ConflictError):
        objects.put_new("a/b", b"2")
    assert objects.get("a/b") == (b"1", version)


def test_put_if_overwrites_the_version_that_was_read(objects: ObjectStore) -> None:
    version = objects.put_if("a", b"2", objects.put("a", b"1"))
    assert objects.get("a") == (b"2", version)


def test_put_if_refuses_an_outdated_version(objects: ObjectStore) -> None:
    old = objects.put("a", b"1")
    objects.put("a", b"2")
    with pytest.raises(ConflictError):
        objects.put_if("a", b"3", old)
    objects.delete("a")
    with pytest.raises(ConflictError):
        objects.put_if("a", b"3", old)
    assert objects.get("a") is None


def test_delete_if_removes_only_the_version_that_was_read(objects: ObjectStore) -> None:
    old = objects.put("a", b"1")
    new = objects.put("a", b"2")
    with pytest.raises(ConflictError):
        objects.delete_if("a", old)
    objects.delete_if("a", new)
    assert objects.get("a") is None
    with pytest.raises(ConflictError):
        objects.delete_if("a", new)


def test_deleting_something_missing_is_not_an_error(objects: ObjectStore) -> None:
    objects.delete("a/b/c")


def test_a_listing_shows_the_keys_of_a_prefix_in_order_and_nothing_else(objects: ObjectStore) -> None:
    for key in ("a/2/y", "a/1", "a/2/x", "ab", "b"):
        objects.put(key, b"12")
    assert [(entry.key, entry.bytes) for entry in objects.list("a/")] == [
        ("a/1", 2),
        ("a/2/x", 2),
        ("a/2/y", 2),
    ]
    assert [entry.key for entry in objects.list("a/2/")] == ["a/2/x", "a/2/y"]
    assert [entry.key for entry in objects.list("")] == ["a/1", "a/2/x", "a/2/y", "ab", "b"]
    assert objects.list("nothing/here/") == []


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", ".lock", "a/.tmp/b", "a\\b", "a/./b", "a\udcff"],
)
def test_a_key_that_could_leave_the_store_is_refused(objects: ObjectStore, key: str) -> None:
    for use in (
        objects.get,
        objects.delete,
        objects.uri,
        lambda key: objects.put(key, b""),
        lambda key: objects.put_new(key, b""),
    ):
        with pytest.raises(StoreError, match="is not a key"):
            use(key)


def test_the_value_of_mesh_store_says_which_kind_of_store_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    assert open_store(None).location("a/b") == ".mesh/a/b"
    assert open_store(str(tmp_path)).uri("a b") == f"file://{tmp_path}/a%20b"
    bucket = open_store("s3://mesh/prod")
    assert (bucket.uri("a/b"), bucket.shared) == ("s3://mesh/prod/a/b", True)
    assert open_store("s3://mesh").uri("a/b") == "s3://mesh/a/b"


@pytest.mark.parametrize("value", ["s3://", "gs:///prefix", "az://", "https://example.com/store"])
def test_a_store_that_is_neither_a_folder_nor_a_bucket_is_refused_with_what_was_expected(value: str) -> None:
    with pytest.raises(
        StoreError,
        match=r"expected a folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix",
    ):
        open_store(value)
