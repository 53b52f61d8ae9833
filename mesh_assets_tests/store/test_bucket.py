import pytest
from botocore.stub import Stubber

from mesh_assets.errors import ConflictError, StoreError
from mesh_assets.platforms.aws.client import new_session
from mesh_assets.store.bucket import BucketStore
from mesh_assets_tests.store.a_bucket import ABucket


@pytest.fixture
def bucket() -> ABucket:
    return ABucket()


@pytest.fixture
def store(bucket: ABucket) -> BucketStore:
    return BucketStore(bucket, "mesh", "prod")


def test_objects_stand_below_the_prefix(store: BucketStore, bucket: ABucket) -> None:
    store.put("a/b", b"1")
    assert bucket.objects == {"prod/a/b": b"1"}


def test_the_empty_object_that_s3s_console_makes_for_a_folder_is_not_listed(
    store: BucketStore, bucket: ABucket
) -> None:
    store.put("triggers/lkc-1/a.json", b"1")
    bucket.objects |= {"prod/": b"", "prod/triggers/": b"", "prod/triggers/lkc-1/": b""}

    assert [entry.key for entry in store.list("triggers/lkc-1/")] == ["triggers/lkc-1/a.json"]
    assert [entry.key for entry in store.list("")] == ["triggers/lkc-1/a.json"]


def test_a_write_whose_answer_was_lost_does_not_conflict_with_itself(
    store: BucketStore, bucket: ABucket
) -> None:
    bucket.loses_answers = True
    version = store.put_new("a", b"mine")
    assert store.get("a") == (b"mine", version)
    version = store.put_if("a", b"mine too", version)
    assert store.get("a") == (b"mine too", version)


def test_a_retried_write_still_conflicts_with_another_ones() -> None:
    class Overtaken(ABucket):
        def put_object(self, **arguments: object) -> dict[str, object]:
            try:
                return super().put_object(**arguments)  # type: ignore[arg-type]
            finally:
                self.objects["prod/a"] = b"theirs"

    overtaken = Overtaken()
    overtaken.loses_answers = True
    with pytest.raises(ConflictError):
        BucketStore(overtaken, "mesh", "prod").put_new("a", b"mine")


def test_a_refusal_is_a_store_error_that_names_the_object(store: BucketStore, bucket: ABucket) -> None:
    bucket.refuses = True
    for use in (
        store.get,
        store.delete,
        lambda key: store.put_new(key, b""),
        store.list,
        lambda key: store.delete_if(key, "1"),
    ):
        with pytest.raises(StoreError, match=r"s3://mesh/prod/a could not be .*AccessDenied") as caught:
            use("a")
        assert not isinstance(caught.value, ConflictError)


def test_the_conditions_are_those_that_the_s3_client_knows() -> None:
    client = new_session().create_client(
        "s3", region_name="eu-central-1", aws_access_key_id="none", aws_secret_access_key="none"
    )
    store = BucketStore(client, "mesh", "prod")
    place = {"Bucket": "mesh", "Key": "prod/a"}
    with Stubber(client) as answers:
        answers.add_response("put_object", {"ETag": '"1"'}, {**place, "Body": b"1", "IfNoneMatch": "*"})
        answers.add_response("put_object", {"ETag": '"2"'}, {**place, "Body": b"2", "IfMatch": '"1"'})
        answers.add_response("delete_object", {}, {**place, "IfMatch": '"2"'})
        answers.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
        answers.add_client_error("get_object", "NoSuchBucket", http_status_code=404)
        assert store.put_new("a", b"1") == '"1"'
        assert store.put_if("a", b"2", '"1"') == '"2"'
        store.delete_if("a", '"2"')
        with pytest.raises(ConflictError):
            store.put_new("a", b"1")
        with pytest.raises(StoreError, match="NoSuchBucket"):
            store.get("a")
