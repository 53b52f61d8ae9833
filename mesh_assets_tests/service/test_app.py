"""What the service answers over HTTP, and to whom."""

from datetime import timedelta

import httpx
import pytest

from mesh_assets.errors import StoreError
from mesh_assets.fleet.in_force import InForce
from mesh_assets.inventory.document import ClusterIdentity
from mesh_assets.service.health import Bounds
from mesh_assets.service.serving import ServiceSettings, build_service
from mesh_assets_tests.documents import a_document, a_topic
from mesh_assets_tests.service.asked import CI, HASHES, TOKEN, a_service, asked, got
from mesh_assets_tests.service.estate_of_metrics import NOW, Scraped, a_world, an_estate

OLD = a_document(cluster=ClusterIdentity(id="lkc-2", name="lab"))


def test_prometheus_gets_openmetrics_and_others_the_older_text() -> None:
    service = a_service(a_world(a_document(topics=(a_topic(),))))
    accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2"
    answer = got(service, "/metrics", Accept=accept)
    assert answer.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert answer.headers["content-encoding"] == "gzip"
    assert Scraped(answer.text).label("mesh_topic_records", "topic") == ["orders"]
    plain = got(service, "/metrics", Accept="*/*", Accept_Encoding="identity")
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "content-encoding" not in plain.headers
    assert plain.text == answer.text


@pytest.mark.parametrize(("accepted", "gzip"), [("gzip;q=0", False), ("br, gzip;q=0.8", True), ("", False)])
def test_the_answer_is_compressed_for_those_who_accept_it(accepted: str, gzip: bool) -> None:
    answer = got(a_service(a_world(a_document())), "/metrics", Accept_Encoding=accepted)
    assert ("content-encoding" in answer.headers) is gzip
    assert answer.text.endswith("# EOF\n")


def test_a_client_that_has_the_text_is_not_sent_it_again() -> None:
    service = a_service(a_world(a_document()))
    etag = got(service, "/metrics").headers["etag"]
    again = got(service, "/metrics", If_None_Match=f'"other", {etag}')
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert got(service, "/metrics", If_None_Match='"other"').status_code == 200


def test_one_cluster_can_be_scraped_by_itself() -> None:
    service = a_service(a_world(a_document(), OLD), "warehouse", "lab")
    read = Scraped(got(service, "/metrics?cluster=lab").text)
    assert read.label("mesh_snapshot_readable", "cluster") == ["lab"]
    unknown = got(service, "/metrics?cluster=nowhere")
    assert (unknown.status_code, "no cluster 'nowhere'" in unknown.json()["error"]) == (404, True)


def test_an_unreadable_store_is_503_and_the_process_is_still_alive() -> None:
    world = a_world(a_document())

    def fails(_: str) -> None:
        raise StoreError("the bucket does not answer: password=hunter2")

    world.objects.get = fails  # type: ignore[assignment]
    service = a_service(world)
    answer = got(service, "/metrics")
    assert answer.status_code == 503
    assert "the bucket does not answer" in answer.json()["error"]
    assert "hunter2" not in answer.text
    assert got(service, "/readyz").status_code == 503
    assert got(service, "/healthz").json() == {"status": "alive"}


def test_a_service_is_ready_while_each_snapshot_is_younger_than_its_bound() -> None:
    world = a_world(a_document(), OLD)
    names = ("warehouse", "lab")
    assert got(a_service(world, *names), "/readyz").json() == {"status": "ready"}
    bounds = Bounds(of={"lab": timedelta(minutes=30)})
    late = got(a_service(world, *names, bounds=bounds), "/readyz")
    assert late.status_code == 503
    [problem] = late.json()["problems"]
    assert problem["cluster"] == "lab"
    assert problem["problem"].startswith("its snapshot is 60 min old, and may be 30 min: ")
    assert got(a_service(world, *names, bounds=bounds), "/readyz?only=store").status_code == 200
    assert got(a_service(world, *names), "/readyz?only=lab").status_code == 400


def test_a_broken_estate_file_is_reported_with_its_start_and_takes_no_service_out_of_traffic() -> None:
    service = a_service(a_world(a_document()), fault="estate.yaml:3: expected a mapping")

    answer = got(service, "/readyz")
    [problem] = answer.json()["problems"]
    assert (answer.status_code, problem["problem"].partition("; ")[0]) == (
        503,
        f"the estate file is broken (seen since {NOW:%Y-%m-%d %H:%M:%S} UTC)",
    )
    store = got(service, "/readyz?only=store")
    assert (store.status_code, store.json()) == (200, {"status": "ready", "note": problem["problem"]})

    stranger = a_service(a_world(a_document()), host="0.0.0.0", fault="estate.yaml:3: expected a mapping")
    assert got(stranger, "/readyz?only=store").json() == {"status": "ready"}


def test_an_undiscovered_cluster_makes_the_service_not_ready() -> None:
    answer = got(a_service(a_world(a_document()), "warehouse", "new"), "/readyz")
    assert [one["cluster"] for one in answer.json()["problems"]] == ["new"]


def test_at_a_reachable_address_metrics_need_a_token_and_probes_do_not() -> None:
    service = a_service(a_world(a_document()), "warehouse", "new", host="0.0.0.0")
    refused = got(service, "/metrics")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert got(service, "/metrics", **CI).status_code == 200
    assert got(service, "/healthz").status_code == 200
    assert got(service, "/readyz").json() == {"status": "not ready", "clusters": 1}, "no names for strangers"
    assert got(service, "/readyz", **CI).json()["problems"][0]["cluster"] == "new"


@pytest.mark.parametrize(
    ("settings", "statuses"),
    [
        (ServiceSettings(host="0.0.0.0", token_hashes=HASHES), (401, 401)),
        (ServiceSettings(host="0.0.0.0", open_metrics=True), (200, 401)),
        (ServiceSettings(), (200, 401)),
    ],
)
def test_metrics_are_open_only_on_request_and_discoveries_never(
    settings: ServiceSettings, statuses: tuple[int, int]
) -> None:
    service = build_service(
        settings, estate=lambda: InForce(estate=an_estate()), store=a_world(a_document()).store
    )
    asks = (got(service, "/metrics"), asked(service, lambda client: client.post("/discover", json={})))
    assert (asks[0].status_code, asks[1].status_code) == statuses


@pytest.mark.parametrize(
    "header",
    ["", "Basic czNjcmV0", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN} {TOKEN}", TOKEN],
)
def test_only_a_known_token_may_request_a_discovery(header: str) -> None:
    service = a_service(a_world(a_document()))
    headers = {"Authorization": header}
    answer = asked(service, lambda client: client.post("/discover", headers=headers, json={}))
    assert answer.status_code == 401
    assert asked(service, lambda client: client.get("/discoveries/x", headers=headers)).status_code == 401


def test_without_any_token_a_discovery_cannot_be_requested() -> None:
    service = a_service(a_world(a_document()), hashes=())
    assert asked(service, lambda client: client.post("/discover", headers=CI)).status_code == 401


def test_callers_who_try_tokens_must_wait_and_holders_of_one_need_not() -> None:
    service = a_service(a_world(a_document()))

    async def tries(client: httpx.AsyncClient) -> list[int]:
        wrong = [
            await client.get("/discoveries/x", headers={"Authorization": f"Bearer {n}"}) for n in range(32)
        ]
        right = await client.get("/discoveries/x", headers=CI)
        return [*(one.status_code for one in wrong), right.status_code]

    statuses = asked(service, tries)
    assert statuses[:30] == [401] * 30
    assert statuses[30:] == [429, 429, 404]


def test_on_loopback_the_service_answers_to_no_web_pages_host_name() -> None:
    service = a_service(a_world(a_document()), allowed_hosts=("mesh.example",))
    for url, status in {
        "http://evil.example": 421,
        "http://localhost:8080": 200,
        "http://[::1]:8080": 200,
        "http://MESH.example": 200,
    }.items():
        assert (url, got(service, "/metrics", base_url=url).status_code) == (url, status)


def test_an_unknown_path_is_answered_with_the_known_ones() -> None:
    service = a_service(a_world(a_document()))
    assert got(service, "/nothing").status_code == 404
    assert "GET /metrics" in got(service, "/").json()
    wrong = got(service, "/discover")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    head = asked(service, lambda client: client.head("/metrics"))
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 100
