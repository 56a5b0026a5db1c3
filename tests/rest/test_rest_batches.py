"""Requests, batches, generations and their images over REST."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from dataclasses import replace

import httpx
import pytest
from PIL import Image

from imgplay_widget.errors import RateLimited
from imgplay_widget.testing import FakeProvider, Gate, InstantClock, mask_png, open_studio, picture, png
from tests.rest.conftest import BASE, BATCH, WAIT, served

GENERATION = {"id", "status", "seed", "asset", "error"}
STATUS = {"id", "batchId", "status", "progress", "usualDuration", "seed", "asset", "error"}
NOBODY = "00000000-0000-7000-8000-000000000000"
WANTED = {"provider": "fake", "model": "image", "prompt": "a fox", "imageNum": 1, "parameters": {}}


def wait_for(client, studio, batch):
    """Return the batch when all its generations have ended."""
    with client.stream("GET", "/events") as stream:
        for line in stream.iter_lines():
            if line.startswith(("event: fresh", "event: generation")):
                now = client.get(f"/batches/{batch['id']}").json()
                if all(one["status"] not in ("pending", "processing") for one in now["generations"]):
                    return now
    raise AssertionError


def costs(fake):
    """Let the provider be one that may charge money, and whose prices are not known."""
    fake.spec = replace(fake.spec, local=False)


def made(client, studio, **wanted):
    answer = client.post("/generate", json=WANTED | wanted)
    assert answer.status_code == 202, answer.text
    return wait_for(client, studio, answer.json())


def test_the_status_tells_how_long_the_model_usually_takes_until_the_end(client, studio, fake):
    def while_running():
        gate = Gate(picture())
        fake._script.append(gate)
        (generation,) = client.post("/generate", json=WANTED).json()["generations"]
        assert gate.reached.wait(WAIT)
        running = client.get(f"/status/{generation['id']}").json()
        gate.open()
        with client.stream("GET", "/events") as stream:
            told = (line for line in stream.iter_lines() if line.startswith(("event: fresh", "event: gen")))
            for _ in told:
                now = client.get(f"/status/{generation['id']}").json()
                if now["status"] == "success":
                    break
        return running["usualDuration"], now["usualDuration"]

    for _ in range(5):
        assert while_running() == (None, None)
    usual, afterwards = while_running()
    assert 0 <= usual < WAIT
    assert afterwards is None


def test_a_request_is_answered_at_once_and_can_be_followed_to_its_image(client, studio, fake):
    gate = Gate(picture())
    fake._script.append(gate)
    parameters = {"width": 128, "height": 64, "seed": 7}
    answer = client.post("/generate", json=WANTED | {"parameters": parameters})
    batch = answer.json()
    assert answer.status_code == 202
    assert set(batch) == BATCH
    assert batch["config"] == {"width": 128, "height": 64, "seed": 7, "n": 1}
    assert (batch["width"], batch["height"]) == (128, 64)
    assert answer.headers["location"] == f"{BASE}/batches/{batch['id']}"
    assert int(answer.headers["retry-after"]) >= 1
    (generation,) = batch["generations"]
    assert set(generation) == GENERATION
    assert gate.reached.wait(WAIT)
    status = client.get(f"/status/{generation['id']}")
    assert set(status.json()) == STATUS
    assert (status.json()["status"], status.json()["batchId"]) == ("processing", batch["id"])
    assert int(status.headers["retry-after"]) >= 1
    gate.open()
    wait_for(client, studio, batch)
    done = client.get(f"/status/{generation['id']}")
    assert done.json()["status"] == "success"
    assert "retry-after" not in done.headers
    assert done.json()["asset"] == {
        "url": f"{BASE}/generations/{generation['id']}/image",
        "thumbnailUrl": f"{BASE}/generations/{generation['id']}/thumbnail",
        "width": 64,
        "height": 64,
    }
    assert client.get("/batches", params={"topicId": batch["topicId"]}).json()["next"] is None


def test_a_request_without_a_topic_makes_one_and_selects_none(client, studio):
    mine = studio.new_topic("Mine")
    batch = made(client, studio)
    assert batch["topicId"] != mine.id
    assert studio.active_topic == mine.id
    other = client.post("/generate", json=WANTED | {"topicId": mine.id}).json()
    assert other["topicId"] == mine.id


def test_retry_after_follows_what_the_model_took_before():
    clock = InstantClock()
    fake = FakeProvider()

    def slow(unit):
        clock.advance(30)
        return picture(unit.n)

    gate = Gate(picture())
    fake._script.extend([slow] * 5 + [gate])
    with (
        open_studio(fake, clock=clock) as studio,
        served(studio) as address,
        httpx.Client(base_url=address) as client,
    ):
        for _ in range(5):
            made(client, studio)
        batch = client.post("/generate", json=WANTED).json()
        assert gate.reached.wait(WAIT)
        assert client.get(f"/status/{batch['generations'][0]['id']}").headers["retry-after"] == "30"
        clock.advance(30)
        assert client.get(f"/status/{batch['generations'][0]['id']}").headers["retry-after"] == "2"
        gate.open()


def test_batches_are_listed_page_by_page(client, studio):
    topic = client.post("/topics", json={"title": "Foxes"}).json()
    ids = [made(client, studio, topicId=topic["id"])["id"] for _ in range(5)]
    found, cursor = [], None
    while cursor is not None or not found:
        query = {"topicId": topic["id"], "limit": 2, **({"cursor": cursor} if cursor else {})}
        page = client.get("/batches", params=query).json()
        found += [batch["id"] for batch in page["batches"]]
        cursor = page["next"]
    assert found == ids[::-1]
    assert len(client.get("/batches").json()["batches"]) == 5
    assert client.get(f"/batches?topicId={NOBODY}").status_code == 404


def test_batches_and_generations_are_deleted_and_restored(client, studio):
    batch = made(client, studio, imageNum=2)
    first, second = (one["id"] for one in batch["generations"])
    assert client.delete(f"/generations/{first}").status_code == 204
    assert client.get(f"/status/{first}").status_code == 404
    assert client.delete(f"/generations/{first}").status_code == 404
    assert [one["id"] for one in client.get(f"/batches/{batch['id']}").json()["generations"]] == [second]
    assert client.post(f"/generations/{first}/restore").json()["status"] == "success"
    assert client.delete(f"/batches/{batch['id']}").status_code == 204
    assert client.get(f"/batches/{batch['id']}").status_code == 404
    assert client.post(f"/batches/{batch['id']}/restore").json() == batch
    assert client.delete(f"/topics/{batch['topicId']}").status_code == 204
    assert client.get(f"/batches/{batch['id']}").status_code == 404


def test_what_runs_is_cancelled_and_retried(client, studio, fake):
    gate = Gate(picture())
    fake._script.append(gate)
    batch = client.post("/generate", json=WANTED).json()
    (generation,) = batch["generations"]
    assert gate.reached.wait(WAIT)
    stopped = client.post(f"/generations/{generation['id']}/cancel")
    assert (stopped.status_code, stopped.json()["status"]) == (200, "cancelled")
    assert set(stopped.json()["error"]) == {"code", "message", "nextStep"}
    assert stopped.json()["error"]["code"] == "cancelled"
    again = client.post(f"/generations/{generation['id']}/retry")
    assert again.status_code == 202
    assert wait_for(client, studio, batch)["generations"][0]["status"] == "success"
    assert client.post(f"/batches/{batch['id']}/retry", json={"confirm": True}).status_code == 202
    assert client.post(f"/batches/{batch['id']}/cancel").json()["generations"][0]["status"] == "success"
    assert len(fake.submits) == 2


def test_a_wait_for_a_rate_limit_is_told(client, studio, fake):
    # The instant clock waits no real time, so the end tells that the wait was kept.
    fake._script.append(RateLimited("busy", provider="fake", retry_after=40))
    batch = made(client, studio)
    assert batch["generations"][0]["status"] == "success"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"provider": "nobody"}, 404, "not_found"),
        ({"model": "nothing"}, 404, "not_found"),
        ({"topicId": NOBODY}, 404, "not_found"),
        ({"topicId": "x"}, 400, "invalid_request"),
        ({"prompt": ""}, 400, "invalid_request"),
        ({"prompt": "  "}, 400, "invalid_request"),
        ({"prompt": "a\0b"}, 400, "invalid_request"),
        ({"imageNum": 0}, 400, "invalid_request"),
        ({"imageNum": 5}, 400, "invalid_request"),
        ({"imageNum": "1"}, 400, "invalid_request"),
        ({"parameters": {"width": 65}}, 400, "invalid_request"),
        ({"parameters": {"seed": 10**400}}, 400, "invalid_request"),
        ({"parameters": {"seed": 2**64 + 1}}, 400, "invalid_request"),
        ({"parameters": {"seed": True}}, 400, "invalid_request"),
        ({"parameters": {"x" * 10_000: 1}}, 400, "invalid_request"),
        ({"imageNum": 10**400}, 400, "invalid_request"),
        ({"parameters": {"style": "x"}}, 400, "unknown_parameter"),
        ({"parameters": {"references": ["/etc/passwd"]}}, 400, "invalid_request"),
        ({"provider": "gemini", "model": "gemini-2.5-flash-image"}, 409, "missing_key"),
        ({"references": ["/etc/passwd"]}, 400, "invalid_request"),
        ({"action": "edit"}, 400, "invalid_request"),
        ({"action": "sing"}, 400, "invalid_request"),
        ({"references": ["file:///etc/passwd"]}, 400, "invalid_request"),
        ({"references": ["0" * 64]}, 404, "not_found"),
        ({"mask": "/etc/passwd"}, 400, "invalid_request"),
        ({"unknown": 1}, 400, "invalid_request"),
    ],
)
def test_a_bad_request_stores_sends_and_pays_nothing(client, fake, change, status, code):
    answer = client.post("/generate", json=WANTED | change)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert len(answer.text) < 2000
    assert client.get("/batches").json() == {"batches": [], "next": None}
    assert client.get("/topics").json()["topics"] == []
    assert fake.submits == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
def test_what_is_no_number_is_refused(client, fake, number):
    body = json.dumps(WANTED | {"parameters": {"seed": "number"}}).replace('"number"', number)
    answer = client.post("/generate", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), answer.text
    assert len(answer.text) < 2000
    assert fake.submits == []


def test_the_budget_holds_and_an_unknown_price_needs_a_consent(client, studio, fake):
    costs(fake)
    studio.budget = 1
    refused = client.post("/generate", json=WANTED)
    assert (refused.status_code, refused.json()["code"]) == (402, "price_unknown")
    assert fake.submits == []
    assert client.post("/generate", json=WANTED | {"confirm": True}).status_code == 202
    assert client.get("/spent").json()["today"]["budget"] == "1"


# ------------------------------------------------------------------ once


def test_a_repeated_request_with_a_key_is_done_once(client, studio, fake):
    headers = {"Idempotency-Key": "first"}
    answers = [client.post("/generate", json=WANTED, headers=headers) for _ in range(2)]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert answers[1].headers["location"] == answers[0].headers["location"]
    other = client.post("/generate", json=WANTED | {"prompt": "a hare"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (400, "invalid_request")
    assert len(client.get("/batches").json()["batches"]) == 1
    assert client.post("/generate", json=WANTED, headers={"Idempotency-Key": "x" * 256}).status_code == 400


def test_requests_with_one_key_at_the_same_time_are_done_once(client, studio, fake):
    answers = []

    def ask():
        answers.append(client.post("/generate", json=WANTED, headers={"Idempotency-Key": "k"}).json()["id"])

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert len(answers) == 6
    assert len(set(answers)) == 1


def test_a_key_can_be_used_again_after_a_refusal(client, studio, fake):
    costs(fake)
    studio.budget = 1
    headers = {"Idempotency-Key": "k"}
    assert client.post("/generate", json=WANTED, headers=headers).status_code == 402
    studio.budget = None
    assert client.post("/generate", json=WANTED, headers=headers).status_code == 202


# ------------------------------------------------------------------ bytes


def test_an_image_is_given_byte_for_byte_with_its_kind_its_name_and_its_etag(client, studio):
    batch = made(client, studio, prompt="ein Füchslein 狐")
    path = f"/generations/{batch['generations'][0]['id']}/image"
    whole = client.get(path)
    original = studio.batches(batch["topicId"])[0][0].bytes
    assert whole.content == original
    assert whole.headers["content-type"] == "image/png"
    assert whole.headers["content-length"] == str(len(original))
    assert whole.headers["etag"] == f'"{hashlib.sha256(original).hexdigest()}"'
    assert whole.headers["accept-ranges"] == "bytes"
    named = whole.headers["content-disposition"]
    assert named.startswith('inline; filename="')
    assert "filename*=UTF-8''ein-f%C3%BCchslein-" in named
    assert named.isascii()
    assert client.get(f"{path}?download=true").headers["content-disposition"].startswith("attachment")
    head = client.head(path)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(original)))


def test_a_download_has_the_recipe_inside_and_an_etag_of_its_own(client, studio):
    batch = made(client, studio)
    path = f"/generations/{batch['generations'][0]['id']}/image"
    one = studio.batches(batch["topicId"])[0][0]
    saved = client.get(f"{path}?download=true")
    assert studio.recipe_of(saved.content) == one.recipe
    assert saved.content != one.bytes
    assert saved.headers["content-length"] == str(len(saved.content))
    etag = saved.headers["etag"]
    assert etag not in ("", client.get(path).headers["etag"])
    known = client.get(f"{path}?download=true", headers={"If-None-Match": etag})
    assert (known.status_code, known.content) == (304, b"")


def test_an_image_that_the_client_has_is_not_sent_again(client, studio):
    path = f"/generations/{made(client, studio)['generations'][0]['id']}/image"
    etag = client.get(path).headers["etag"]
    for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        answer = client.get(path, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert client.get(path, headers={"If-None-Match": '"x"'}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-3", 206, slice(0, 4)),
        ("bytes=10-", 206, slice(10, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=3-1000000", 206, slice(3, None)),
        ("bytes=0-0,2-3", 200, slice(None)),
        ("bytes=5-3", 200, slice(None)),
        ("bytes=-", 200, slice(None)),
        ("words=1-2", 200, slice(None)),
        ("bytes=1000000-", 416, None),
        ("bytes=-0", 416, None),
    ],
)
@pytest.mark.parametrize("query", ["", "?download=true"])
def test_a_part_of_an_image_can_be_asked_for(client, studio, asked, status, part, query):
    path = f"/generations/{made(client, studio)['generations'][0]['id']}/image{query}"
    whole = client.get(path)
    answer = client.get(path, headers={"Range": asked})
    assert answer.status_code == status
    if part is None:
        assert answer.headers["content-range"] == f"bytes */{len(whole.content)}"
        assert answer.json()["code"] == "range"
    else:
        assert answer.content == whole.content[part]
    if status == 206:
        start, _, _ = part.indices(len(whole.content))
        end = start + len(answer.content) - 1
        assert answer.headers["content-range"] == f"bytes {start}-{end}/{len(whole.content)}"
        old = client.get(path, headers={"Range": asked, "If-Range": '"other"'})
        assert (old.status_code, old.content) == (200, whole.content)


def test_a_drawing_is_saved_and_cannot_run_scripts(client, studio, fake):
    from imgplay_widget._types import Done, Inline

    drawing = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    fake._script.append(Done(images=(Inline(data=drawing),)))
    batch = made(client, studio)
    path = f"/generations/{batch['generations'][0]['id']}"
    answer = client.get(f"{path}/image")
    assert answer.content == drawing
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    small = client.get(f"{path}/thumbnail")
    assert (small.status_code, small.json()["code"]) == (404, "not_shown")


def test_thumbnails_covers_and_zips(client, studio):
    batch = made(client, studio, imageNum=2)
    small = client.get(f"/generations/{batch['generations'][0]['id']}/thumbnail")
    assert small.headers["content-type"] == "image/webp"
    assert small.content[8:12] == b"WEBP"
    studio._core.call(studio._core.archive.settle)
    topic = client.get(f"/topics/{batch['topicId']}").json()
    cover = client.get(topic["coverUrl"].removeprefix(BASE))
    assert cover.content[8:12] == b"WEBP"
    packed = client.get(f"/batches/{batch['id']}/zip")
    assert packed.headers["content-type"] == "application/zip"
    assert packed.headers["content-disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert len(archive.namelist()) == 3
        assert len(json.loads(archive.read("recipes.json"))) == 2
    temporary = studio._core.archive.store.assets.root / "temporary"
    # The file goes once the answer is sent, and the client may have the answer a moment earlier.
    for _ in range(200):
        if not temporary.exists() or not any(temporary.iterdir()):
            break
        client.get("/topics")
    else:
        pytest.fail("The file of the ZIP is still there.")


def test_an_image_that_is_not_there_is_not_found(client, studio, fake):
    gate = Gate(picture())
    fake._script.append(gate)
    batch = client.post("/generate", json=WANTED).json()
    assert client.get(f"/generations/{batch['generations'][0]['id']}/image").status_code == 404
    assert client.get(f"/batches/{batch['id']}/zip").status_code == 404
    assert client.get(f"/topics/{batch['topicId']}/cover").status_code == 404
    gate.open()


# ------------------------------------------------------------------ input images


def test_an_input_image_is_sent_and_used(client, studio, fake):
    reference = client.post("/references", content=png(), headers={"content-type": "image/png"})
    assert (reference.status_code, reference.json()["width"]) == (201, 64)
    mask = client.post(
        "/references?role=mask",
        content=mask_png(64, 64, free=(0, 0, 8, 8)),
        headers={"content-type": "image/png"},
    )
    wanted = {"references": [reference.json()["digest"]], "mask": mask.json()["digest"]}
    batch = made(client, studio, **wanted)
    assert [one.digest for one in fake.submits[0].references] == wanted["references"]
    parent = batch["generations"][0]["id"]
    child = client.post("/references", json={"generationId": parent}).json()
    again = made(client, studio, references=[child["digest"]], action="edit")
    assert again["action"] == "edit"
    assert studio.batches(again["topicId"])[0][0].parents[0].id == parent


def test_a_photo_of_a_phone_is_kept_upright(client, studio, fake):
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48)).save(buffer, "JPEG", exif=exif)
    sent = {"content": buffer.getvalue(), "headers": {"content-type": "image/jpeg"}}
    kept = client.post("/references", **sent).json()
    assert (kept["width"], kept["height"]) == (48, 64)
    made(client, studio, references=[kept["digest"]])
    with Image.open(studio._core.files.reference_path(fake.submits[0].references[0])) as image:
        assert (image.size, image.getexif().get(0x0112, 1)) == ((48, 64), 1)


def test_an_input_image_of_another_user_is_not_found(tmp_path, fake):
    image = {"content": png(), "headers": {"content-type": "image/png"}}
    with (
        open_studio(fake, store=tmp_path / "s.sqlite") as studio,
        open_studio(fake, store=tmp_path / "s.sqlite", user_id="eve") as other,
        served(studio) as address,
        served(other) as hers,
        httpx.Client(base_url=address, timeout=WAIT) as client,
        httpx.Client(base_url=hers, timeout=WAIT) as eve,
    ):
        digest = client.post("/references", **image).json()["digest"]
        asset = made(client, studio)["generations"][0]["asset"]
        result = client.get(asset["url"].removeprefix(BASE)).headers["ETag"].strip('"')
        for wanted in ({"references": [digest]}, {"references": [result]}, {"mask": digest}):
            refused = eve.post("/generate", json=WANTED | wanted)
            assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
        # Who has the bytes may use them, and takes them from nobody.
        assert eve.post("/references", **image).status_code == 201
        made(eve, other, references=[digest])
        made(client, studio, references=[digest])


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"link": "file:///etc/passwd"},
        {"link": "/etc/passwd"},
        {"link": "http://example.com/fox.png"},
        {"link": "https://127.0.0.1:1/fox.png"},
        {"link": "https://[::1]/fox.png"},
        {"link": "https://169.254.169.254/latest"},
        {"link": "https://x", "generationId": NOBODY},
        {"path": "/etc/passwd"},
    ],
)
def test_no_input_image_is_read_from_this_machine(client, source):
    answer = client.post("/references", json=source)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), answer.text


def test_bytes_that_are_not_an_image_are_refused(client):
    sent = {"content": b"not an image", "headers": {"content-type": "image/png"}}
    assert client.post("/references", **sent).status_code == 400
    assert (
        client.post("/references?role=mask", content=png(), headers={"content-type": "image/png"}).status_code
        == 400
    )
    assert client.post("/references", content=png(), headers={"content-type": "text/html"}).status_code == 415
    assert client.post("/references", json={"generationId": NOBODY}).status_code == 404


# ------------------------------------------------------------------ models and money


def test_models_come_page_by_page_and_no_key_is_given(client, studio):
    studio.set_key("gemini", "a-very-secret-key")
    names, cursor = [], None
    while cursor is not None or not names:
        page = client.get("/models", params={"limit": 40, **({"cursor": cursor} if cursor else {})})
        assert "secret" not in page.text
        names += [model["name"] for model in page.json()["models"]]
        cursor = page.json()["next"]
    assert names == sorted(set(names))
    assert "fake:image" in names
    (provider,) = client.get("/models?provider=gemini").json()["providers"]
    assert (provider["name"], provider["key"]) == ("gemini", "set")
    assert client.get("/models?provider=nobody").status_code == 404


def test_costs_are_estimated_and_summed(client, studio, fake):
    costs(fake)
    wanted = {"provider": "demo", "model": "instant", "imageNum": 2}
    assert client.post("/estimate", json=wanted).json() == {
        "usd": "0",
        "leastUsd": "0",
        "mostUsd": "0",
    }
    assert client.post("/estimate", json=wanted | {"provider": "fake", "model": "image"}).json() == {
        "usd": None,
        "leastUsd": None,
        "mostUsd": None,
    }
    assert client.post("/estimate", json=wanted | {"imageNum": 99}).status_code == 400
    batch = made(client, studio)
    spent = client.get("/spent", params={"topicId": batch["topicId"], "since": "2020-01-01T00:00:00Z"}).json()
    assert spent["byModel"]["fake:image"]["unknown"] == 1
    assert client.get("/spent?since=2100-01-01T00:00:00Z").json()["images"] == 0
    assert client.get("/spent?since=0001-01-01T00:00:00%2B10:00").status_code == 400
    assert client.get("/spent?since=0").status_code == 400
    assert client.get(f"/spent?topicId={NOBODY}").status_code == 404
