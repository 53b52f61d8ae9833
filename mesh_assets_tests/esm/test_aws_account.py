"""Which account and region, and whether the credentials work."""

from typing import Any

import pytest

from mesh_assets.errors import EstateError, RefusedError
from mesh_assets.esm.aws_account import AwsAccount, account_settings
from mesh_assets.estate.file import parse_estate
from mesh_assets.estate.model import AwsAccountSettings, Estate
from mesh_assets_tests.esm.fake_aws import ACCOUNT, FakeAws, refusal


def an_estate(accounts: str) -> Estate:
    return parse_estate(
        f"clusters: {{a: {{kafka: {{bootstrap_servers: 'b:9092'}}}}}}\nesm: {{accounts: {accounts}}}",
        source="e",
    )


def test_there_is_no_default_region() -> None:
    with pytest.raises(EstateError, match="no AWS region is known, and there is no default; set AWS_REGION"):
        account_settings(None, environment={})


def test_a_given_region_precedes_the_environment_and_that_the_estate() -> None:
    estate = an_estate("[{region: eu-west-1, endpoint_url: 'http://127.0.0.1:4566'}]")

    assert account_settings(estate, environment={}).endpoint_url == "http://127.0.0.1:4566"
    assert (
        account_settings(
            estate, environment={"AWS_REGION": "us-gov-west-1", "AWS_DEFAULT_REGION": "us-east-1"}
        ).region
        == "us-gov-west-1"
    )
    assert account_settings(estate, environment={"AWS_DEFAULT_REGION": "cn-north-1"}).region == "cn-north-1"
    assert (
        account_settings(estate, region="eu-west-1", environment={"AWS_REGION": "us-east-1"}).endpoint_url
        == "http://127.0.0.1:4566"
    )


def test_a_region_with_several_accounts_needs_a_profile() -> None:
    estate = an_estate("[{region: eu-west-1, profile: dev}, {region: eu-west-1, profile: prod}]")

    with pytest.raises(
        EstateError, match=r"has 2 entries for region eu-west-1 \(dev, prod\); set AWS_PROFILE"
    ):
        account_settings(estate, environment={"AWS_REGION": "eu-west-1"})
    assert (
        account_settings(estate, environment={"AWS_REGION": "eu-west-1", "AWS_PROFILE": "prod"}).profile
        == "prod"
    )


def test_an_invalid_region_is_refused() -> None:
    with pytest.raises(EstateError, match="'Frankfurt' is not an AWS region"):
        account_settings(None, region="Frankfurt", environment={})


def test_the_estate_accepts_an_account_once() -> None:
    with pytest.raises(EstateError, match="names region eu-west-1 twice for the same credentials"):
        an_estate("[{region: eu-west-1}, {region: eu-west-1}]")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("ExpiredToken", "the AWS credentials have expired; renew them"),
        ("InvalidClientTokenId", "AWS does not accept the credentials"),
    ],
)
def test_bad_credentials_are_reported_at_the_first_call(aws: FakeAws, code: str, sentence: str) -> None:
    aws.failing["sts.get_caller_identity"] = [refusal(code, "token AQoDYXdz…", 403)]

    with pytest.raises(RefusedError, match=sentence) as caught:
        _ = aws.account().identity

    assert "AQoDYXdz" not in str(caught.value)


def test_missing_credentials_are_reported_without_a_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    with pytest.raises(
        RefusedError, match="sts:GetCallerIdentity on AWS in eu-west-1: no AWS credentials were found"
    ):
        _ = AwsAccount(AwsAccountSettings(region="eu-west-1")).identity


def test_a_session_token_goes_with_every_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "the-token")

    client = AwsAccount(AwsAccountSettings(region="eu-west-1")).client("lambda")

    assert client._request_signer._credentials.token == "the-token"
    client.close()


def test_an_account_other_than_the_estates_is_refused(aws: FakeAws) -> None:
    with pytest.raises(RefusedError, match=f"belong to account {ACCOUNT}, but the estate names 999999999999"):
        _ = aws.account(account_id="999999999999").identity
    assert aws.account(account_id=ACCOUNT).identity.partition == "aws"
