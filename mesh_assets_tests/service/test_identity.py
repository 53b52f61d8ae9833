"""Who the caller is: tokens by their hashes, and an OAuth issuer's tokens."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm

from mesh_assets.errors import ConfigurationError
from mesh_assets.service.identity import UNNAMED, IssuerTokens, KnownTokens, OAuth
from mesh_assets_tests.documents import a_document
from mesh_assets_tests.service.asked import a_service, asked
from mesh_assets_tests.service.estate_of_metrics import a_world

OAUTH = OAuth(
    issuer="https://login.example", audience="https://mesh.example", jwks_url="https://login.example/jwks"
)
Make = Callable[..., str]


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def test_a_token_is_recognised_by_its_hash_and_names_its_holder() -> None:
    known = KnownTokens([f"ci={digest('a')}", digest("b").upper()])
    assert [known.holder(header) for header in (b"Bearer a", b"bearer  b ", b"Bearer c", b"a", b"")] == [
        "ci",
        UNNAMED,
        None,
        None,
        None,
    ]


def test_the_hash_of_an_empty_token_is_refused_for_the_variable_was_not_set() -> None:
    with pytest.raises(ConfigurationError, match="the variable that it was made from was not set"):
        KnownTokens([f"ci={digest('')}"])


@pytest.mark.parametrize(
    "wrong", ["", "ci=", "ci=zz", digest("a")[:-2], f"two words={digest('a')}", "hunter2"]
)
def test_an_invalid_hash_is_refused_without_being_repeated(wrong: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        KnownTokens([wrong])
    assert not wrong or wrong not in str(refused.value), "somebody may have given the token itself"


@pytest.fixture
def make_token(monkeypatch: pytest.MonkeyPatch) -> Make:
    """A token from the issuer, whose keys are served. `claims` replace the usual ones."""
    key = generate_private_key(SECP256R1())
    public = json.loads(ECAlgorithm.to_jwk(key.public_key()))
    jwks = {"keys": [{**public, "kid": "k-1", "use": "sig", "alg": "ES256"}]}
    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", lambda _: jwks)

    def make(**claims: Any) -> str:
        usual = {"iss": OAUTH.issuer, "aud": OAUTH.audience, "exp": int(time.time()) + 3_600, "sub": "anne"}
        given = {"scope": "mesh.discover", **usual, **claims}
        return jwt.encode(given, key, algorithm="ES256", headers={"kid": "k-1"})

    return make


def test_with_oauth_the_caller_is_the_tokens_subject_and_a_scope_can_be_required(make_token: Make) -> None:
    issuer = IssuerTokens(replace(OAUTH, scopes=("mesh.discover",)))
    service = a_service(a_world(a_document()), hashes=(), issuer=issuer)
    found = {}
    for name, token in {
        "good": make_token(),
        "other scope": make_token(scope="mesh.read"),
        "expired": make_token(exp=int(time.time()) - 60),
        "for another": make_token(aud="https://other.example"),
        "no token": "x.y.z",
    }.items():
        headers = {"Authorization": f"Bearer {token}"}
        found[name] = asked(service, lambda client, h=headers: client.post("/discover", headers=h, json={}))  # type: ignore[misc]
    assert {name: answer.status_code for name, answer in found.items()} == {
        "good": 202,
        "other scope": 403,
        "expired": 401,
        "for another": 401,
        "no token": 401,
    }
    follow = found["good"].json()["discoveries"][0]["follow"]
    headers = {"Authorization": f"Bearer {make_token()}"}
    followed = asked(service, lambda client: client.get(follow, headers=headers)).json()
    assert followed["requested_by"] == ["anne"]


def test_a_caller_is_not_called_unknown_while_the_issuer_gives_no_keys(
    monkeypatch: pytest.MonkeyPatch, make_token: Make, caplog: pytest.LogCaptureFixture
) -> None:
    def unreachable(_: jwt.PyJWKClient) -> Any:
        raise jwt.PyJWKClientConnectionError("connection refused")

    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", unreachable)
    service = a_service(a_world(a_document()), hashes=(), issuer=IssuerTokens(OAUTH), host="0.0.0.0")
    headers = {"Authorization": f"Bearer {make_token()}"}
    answer = asked(service, lambda client: client.post("/discover", headers=headers, json={}))
    assert (answer.status_code, "try again later" in answer.json()["error"]) == (503, True)
    assert f"cannot be read from {OAUTH.jwks_url} (connection refused)" in caplog.text
    assert asked(service, lambda client: client.get("/readyz", headers=headers)).status_code == 200


def test_a_key_that_the_issuer_has_withdrawn_no_longer_counts_after_five_minutes(
    monkeypatch: pytest.MonkeyPatch, make_token: Make
) -> None:
    issuer, token, now = IssuerTokens(OAUTH), make_token(), time.monotonic()
    monkeypatch.setattr("jwt.jwk_set_cache.time.monotonic", lambda: now)
    assert issuer.claims(token) is not None

    other = json.loads(ECAlgorithm.to_jwk(generate_private_key(SECP256R1()).public_key()))
    monkeypatch.setattr(
        jwt.PyJWKClient, "fetch_data", lambda _: {"keys": [{**other, "kid": "k-2", "alg": "ES256"}]}
    )
    now += 301

    assert issuer.claims(token) is None
