"""What only buckets have: a prefix, foreign objects, lost answers, refusals, conditions in each library's own terms."""

import sys
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest
from azure.core.exceptions import ServiceResponseError
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import ContainerClient, ExponentialRetry
from botocore.stub import ANY, Stubber

from mesh_assets.errors import ConflictError, StoreError
from mesh_assets.platforms.aws.client import new_session
from mesh_assets.store.azure_blob import AzureContainer
from mesh_assets.store.bucket import BucketStore
from mesh_assets.store.layout import open_store
from mesh_assets.store.s3 import S3Bucket
from mesh_assets_tests.store.a_bucket import ABucket
from mesh_assets_tests.store.google_stand_in import GoogleStandIn
from mesh_assets_tests.store.stores import a_google_bucket, an_azure_container


class Network(Protocol):
    """`loses`: the answers of this many next changes are lost, and the library retries. `meanwhile`: runs in place of the
    library's first try of the next change."""

    loses: int
    meanwhile: Callable[[], object] | None


class UnsteadyTransport(RequestsTransport):  # type: ignore[misc]  # requests ships no types
    loses = 0
    meanwhile: Callable[[], object] | None = None

    def send(self, request: Any, **how: Any) -> Any:
        if self.meanwhile is not None and request.method == "PUT":
            act, self.meanwhile = self.meanwhile, None
            act()
            raise ServiceResponseError("busy")
        answer = super().send(request, **how)
        if self.loses and request.method == "PUT":
            self.loses -= 1
            raise ServiceResponseError("lost")
        return answer


@pytest.fixture(params=["s3", "gs", "az"])
def unsteady(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[BucketStore, Network]]:
    """S3 in memory, whose client fails as after botocore's retry; Google's library on the stand-in; Azure's on Azurite."""
    if request.param == "s3":
        bucket = ABucket()
        yield BucketStore(S3Bucket(bucket, "mesh"), "prod"), bucket
    elif request.param == "gs":
        monkeypatch.delenv("MESH_TEST_GCS", raising=False)
        store = BucketStore(a_google_bucket(request, "mesh"), "prod")
        yield store, request.getfixturevalue("google_stand_in")
    else:
        made, transport = an_azure_container(request), UnsteadyTransport()
        client = ContainerClient.from_connection_string(
            made.connection,
            made.name,
            transport=transport,
            retry_policy=ExponentialRetry(0, 0, random_jitter_range=0),
        )
        yield BucketStore(AzureContainer(client, made.name), "prod"), transport


@pytest.fixture
def bucket() -> ABucket:
    return ABucket()


@pytest.fixture
def store(bucket: ABucket) -> BucketStore:
    return BucketStore(S3Bucket(bucket, "mesh"), "prod")


def test_objects_are_below_the_prefix(store: BucketStore, bucket: ABucket) -> None:
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
    unsteady: tuple[BucketStore, Network],
) -> None:
    store, network = unsteady
    network.loses = 1
    version = store.put_new("a", b"mine")
    assert (store.get("a"), network.loses) == ((b"mine", version), 0)
    network.loses = 1
    version = store.put_if("a", b"mine too", version)
    assert (store.get("a"), network.loses) == ((b"mine too", version), 0)


@pytest.mark.parametrize("theirs", [b"the same", b"other"])
def test_a_repeated_write_conflicts_with_one_that_came_between_even_of_the_same_content(
    unsteady: tuple[BucketStore, Network], theirs: bytes
) -> None:
    store, network = unsteady
    network.meanwhile = lambda: store.put_new("a", theirs)
    with pytest.raises(ConflictError, match="already exists or has been written by another process"):
        store.put_new("a", b"the same")
    version = store.put("a", b"before")
    network.meanwhile = lambda: store.put("a", theirs)
    with pytest.raises(ConflictError):
        store.put_if("a", b"the same", version)


def test_a_missing_bucket_is_an_error_and_not_an_empty_store(
    request: pytest.FixtureRequest,
) -> None:
    from mesh_assets.store.gcs import GoogleBucket

    request.getfixturevalue("monkeypatch").delenv("MESH_TEST_GCS", raising=False)
    a_google_bucket(request)  # names the stand-in
    an_azure_container(request)  # names Azurite
    for absent, sentence in (
        (GoogleBucket.named("absent"), "the bucket does not exist; check the name in MESH_STORE"),
        (AzureContainer.named("absent"), "the container does not exist; check the name in MESH_STORE"),
    ):
        store = BucketStore(absent, "prod")
        for use in (
            store.get,
            store.list,
            store.delete,
            lambda key: store.put(key, b""),  # noqa: B023 - used within this turn
            lambda key: store.put_new(key, b""),  # noqa: B023
            lambda key: store.delete_if(key, "1"),  # noqa: B023
        ):
            with pytest.raises(StoreError, match=sentence) as caught:
                use("a")
            assert not isinstance(caught.value, ConflictError)
            assert f"{absent.address}/prod/a could not be" in str(caught.value)


def test_a_missing_object_differs_from_a_missing_bucket_whatever_the_text_of_the_404(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from google.api_core.exceptions import NotFound

    monkeypatch.delenv("MESH_TEST_GCS", raising=False)
    there = a_google_bucket(request)
    assert there.refusal(NotFound("The object was not found.")) == "missing"
    stand_in: GoogleStandIn = request.getfixturevalue("google_stand_in")
    stand_in.buckets.clear()
    assert there.refusal(NotFound("The object was not found.")) == "other"


def test_a_refusal_is_a_store_error_that_names_the_object_and_what_to_do(
    store: BucketStore, bucket: ABucket, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MESH_TEST_GCS", raising=False)
    google = BucketStore(a_google_bucket(request, "mesh"), "prod")
    stand_in: GoogleStandIn = request.getfixturevalue("google_stand_in")
    made = an_azure_container(request)
    wrong = made.connection.replace("AccountKey=Eby8", "AccountKey=wrong8AA")
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", wrong)
    azure = BucketStore(AzureContainer.named(made.name), "prod")
    bucket.refuses = stand_in.refuses = True
    try:
        for refused, sentence in (
            (store, r"s3://mesh/prod/a could not be .*AccessDenied"),
            (google, r"gs://mesh/prod/a could not be \w+: access denied; grant the role Storage Object User"),
            (
                azure,
                rf"az://{made.name}/prod/a could not be \w+: access denied \(AuthorizationFailure\); grant the role",
            ),
        ):
            for use in (
                refused.get,
                refused.delete,
                lambda key: refused.put_new(key, b""),  # noqa: B023 - used within this turn
                refused.list,
                lambda key: refused.delete_if(key, "1"),  # noqa: B023
            ):
                with pytest.raises(StoreError, match=sentence) as caught:
                    use("a")
                assert not isinstance(caught.value, ConflictError)
                assert "wrong8AA" not in str(caught.value)
    finally:
        stand_in.refuses = False


def test_the_conditions_are_those_that_the_s3_client_knows() -> None:
    client = new_session().create_client(
        "s3", region_name="eu-central-1", aws_access_key_id="none", aws_secret_access_key="none"
    )
    store = BucketStore(S3Bucket(client, "mesh"), "prod")
    place = {"Bucket": "mesh", "Key": "prod/a"}
    made = {**place, "Metadata": ANY}
    with Stubber(client) as answers:
        answers.add_response("put_object", {"ETag": '"1"'}, {**made, "Body": b"1", "IfNoneMatch": "*"})
        answers.add_response("put_object", {"ETag": '"2"'}, {**made, "Body": b"2", "IfMatch": '"1"'})
        answers.add_response("delete_object", {}, {**place, "IfMatch": '"2"'})
        answers.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
        answers.add_response("head_object", {"ETag": '"3"', "Metadata": {"meshwrite": "another"}}, place)
        answers.add_client_error("get_object", "NoSuchBucket", http_status_code=404)
        assert store.put_new("a", b"1") == '"1"'
        assert store.put_if("a", b"2", '"1"') == '"2"'
        store.delete_if("a", '"2"')
        with pytest.raises(ConflictError):
            store.put_new("a", b"1")
        with pytest.raises(StoreError, match="NoSuchBucket"):
            store.get("a")


def test_mesh_store_names_buckets_of_google_and_azure(request: pytest.FixtureRequest) -> None:
    google, azure = a_google_bucket(request), an_azure_container(request)
    for value in (f"{google.address}/a/prod/", f"az://{azure.name}/a/prod"):
        store = open_store(value)
        version = store.put_new("x/y", b"1")
        assert open_store(value).get("x/y") == (b"1", version)
        assert (store.uri("x/y"), store.shared) == (f"{value.rstrip('/')}/x/y", True)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (
            {},
            r"^az://mesh: no storage account is named; set AZURE_STORAGE_ACCOUNT or AZURE_STORAGE_CONN",
        ),
        (
            {"AZURE_STORAGE_CONNECTION_STRING": "AccountKey=hunter2"},
            r"^az://mesh: AZURE_STORAGE_CONNECTION_STRING cannot be used \(\w+\); expected the value that the Azure portal shows$",
        ),
    ],
)
def test_a_container_without_an_account_is_a_sentence_without_the_secret(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], sentence: str
) -> None:
    for name in ("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCOUNT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match=sentence) as caught:
        open_store("az://mesh/prod")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "credential"),
    [
        ({"AZURE_STORAGE_KEY": "aGk="}, "SharedKeyCredentialPolicy"),
        ({"AZURE_STORAGE_SAS_TOKEN": "sv=1&sig=x"}, "AzureSasCredential"),
        ({}, "DefaultAzureCredential"),
    ],
)
def test_the_azure_identity_is_named_as_in_its_own_command(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], credential: str
) -> None:
    for name in ("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", "acme")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    client = AzureContainer.named("mesh").client
    assert client.url.startswith("https://acme.blob.core.windows.net/mesh")
    assert credential in {type(client.credential).__name__, type(client.credential).__mro__[0].__name__}


def test_a_google_store_without_credentials_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    (tmp_path / "key.json").write_text('{"type": "service_account", "private_key": "hunter2"}')
    for name in ("none.json", "key.json"):
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / name))
        with pytest.raises(
            StoreError,
            match=rf"^gs://mesh: no usable Google Cloud credentials were found \(.*{name}.*\); set GOOGLE_APPL",
        ) as caught:
            open_store("gs://mesh/prod")
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "module", "extra"),
    [("gs://mesh", "google.auth.credentials", "gcs"), ("az://mesh", "azure.storage.blob", "azure")],
)
def test_a_missing_extra_is_a_sentence_that_names_it(
    monkeypatch: pytest.MonkeyPatch, value: str, module: str, extra: str
) -> None:
    for name in ("mesh_assets.store.gcs", "mesh_assets.store.azure_blob"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(StoreError, match=rf"pip install 'mesh-assets\[{extra}\]'"):
        open_store(value)
