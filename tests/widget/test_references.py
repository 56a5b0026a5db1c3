"""Input images from the page: uploads in pieces, results as references, and requests that use them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from dataclasses import replace

import pytest
from PIL import Image

from imgplay_widget._page import uploads as uploads_module
from imgplay_widget._types import Done, Draft, Inline
from imgplay_widget.errors import StoreLocked
from imgplay_widget.testing import FakeProvider, InstantClock, mask_png, open_studio, picture, png
from imgplay_widget.testing.server import HANG, RESET_AFTER, Answer, ProviderServer

WAIT = 20


def request(references, mask=None):
    """Return a request with input images."""
    wish = {"model": "fake:image", "prompt": "a red fox", "params": {}}
    return {"wishes": [{**wish, "references": references, "mask": mask}], "n": 1, "topicId": None}


LEFT = (0, 0, 32, 64)

EMPTY_JPEG = b"\xff\xd8\xff\xc0\x00\x11\x08\x00\x40\x00\x40\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01\xff\xd9"
"""Return a PNG with a whole structure, whose pixels cannot be decoded."""


def noise(width=640, height=640):
    """Return a PNG of more than a megabyte."""
    buffer = io.BytesIO()
    Image.frombytes("RGB", (width, height), os.urandom(width * height * 3)).save(buffer, format="PNG")
    return buffer.getvalue()


def sha(data):
    return hashlib.sha256(data).hexdigest()


def stored(page):
    root = page.studio._core.archive.store.assets.root
    return {file.stem for file in (root / "originals").rglob("*.*")}


def temporary(page):
    return list((page.studio._core.archive.store.assets.root / "temporary").iterdir())


# ------------------------------------------------------------------ uploads


def test_a_file_comes_in_pieces_and_is_kept_byte_for_byte(page):
    data = noise()
    answers = []
    for offset in range(0, len(data), 2**20):
        piece = memoryview(data)[offset : offset + 2**20]
        answers.append(
            page.call("upload", [piece], uploadId="a", offset=offset, total=len(data))[0]["result"]
        )
    assert [answer["received"] for answer in answers] == [2**20, len(data)]
    assert answers[0]["reference"] is None
    assert answers[1]["reference"] == {
        "digest": sha(data),
        "mediaType": "image/png",
        "width": 640,
        "height": 640,
    }
    reply, buffers = page.call("reference_original", digest=sha(data))
    assert buffers == [data]
    assert reply["result"]["mediaType"] == "image/png"


def test_files_that_come_at_the_same_time_do_not_mix(page):
    first, second = noise(), noise(600, 700)
    for offset in (0, 2**20):
        for name, data in (("a", first), ("b", second)):
            piece = data[offset : offset + 2**20]
            page.result("upload", pieces=[piece], uploadId=name, offset=offset, total=len(data))
    assert {sha(first), sha(second)} <= stored(page)


def test_a_piece_that_comes_twice_changes_nothing(page):
    # The answer was lost, and the page asks again.
    data = noise()
    for _ in range(2):
        answer = page.result("upload", pieces=[data[:1000]], uploadId="a", offset=0, total=len(data))
        assert answer["received"] == 1000
    assert page.upload(data)["result"]["reference"]["digest"] == sha(data)


@pytest.mark.parametrize(
    ("pieces", "says"),
    [
        ([(0, 3_000_000, 2**20), (2_000_000, 3_000_000, 1000)], "missing"),
        ([(5, 3000, 1000)], "beginning"),
        ([(0, 3000, 1000), (1000, 4000, 1000)], "changed its size"),
        ([(0, 500, 1000)], "longer than the page announced"),
        ([(0, 3_000_000, 2**20 + 1)], "must have 1 to"),
        ([(0, 3000, 0)], "0 bytes"),
        ([(0, 3000, None)], "0 bytes"),
        ([(0, 64 * 2**20 + 1, 1000)], "the most is 67 MB"),
    ],
)
def test_a_piece_that_does_not_fit_ends_the_upload(page, pieces, says):
    *before, (offset, total, size) = pieces
    for at, of, length in before:
        page.result("upload", pieces=[bytes(length)], uploadId="a", offset=at, total=of)
    given = [] if size is None else [bytes(size)]
    error = page.error("upload", pieces=given, uploadId="a", offset=offset, total=total)
    assert error["code"] == "invalid_request"
    assert says in error["message"]
    # The upload begins anew.
    assert page.upload(png(), name="a")["result"]["reference"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"<html>not found</html>", "web page"),
        (b"GIF89a" + bytes(100), "size cannot be read"),
        (png()[:-20], "cut off"),
        (png().replace(b"IDAT", b"IDAX"), "damaged"),
        (EMPTY_JPEG, "decoded"),
    ],
)
def test_what_is_no_image_is_refused_and_not_kept(page, data, says):
    error = page.upload(data)["error"]
    assert error["code"] == "invalid_request"
    assert says in error["message"]
    assert stored(page) == set()
    assert temporary(page) == []


def test_a_mask_is_a_png_with_transparency(page):
    jpeg = io.BytesIO()
    Image.new("RGB", (64, 64)).save(jpeg, format="JPEG")
    for data in (png(), jpeg.getvalue()):
        error = page.upload(data, purpose="mask")["error"]
        assert error["message"] == "The mask is not a PNG with transparency."
    assert page.refer(mask_png(64, 64, free=LEFT), purpose="mask")


def test_only_so_many_files_are_on_their_way(page, monkeypatch):
    monkeypatch.setattr(uploads_module, "MAX_OPEN", 2)
    for name in "ab":
        page.result("upload", pieces=[bytes(10)], uploadId=name, offset=0, total=100)
    error = page.error("upload", pieces=[bytes(10)], uploadId="c", offset=0, total=100)
    assert "2 files are being uploaded" in error["message"]
    assert "Wait" in error["nextStep"]


def test_a_file_of_which_nothing_comes_any_more_is_forgotten(page):
    page.result("upload", pieces=[bytes(10)], uploadId="a", offset=0, total=100)
    engine, uploads = page.studio._core.engine, page.kernel._references._uploads
    page.studio._core.start(engine.beat).result(WAIT)
    assert len(uploads) == 1
    page.studio._core._clock.advance(uploads_module.PATIENCE + 1)
    page.studio._core.start(engine.beat).result(WAIT)
    assert len(uploads) == 0
    error = page.error("upload", pieces=[bytes(10)], uploadId="a", offset=10, total=100)
    assert "beginning" in error["message"]


def test_closing_in_the_middle_of_an_upload_leaves_nothing(page):
    page.result("upload", pieces=[bytes(10)], uploadId="a", offset=0, total=100)
    page.studio._core.start(page.kernel.close).result(WAIT)
    assert len(page.kernel._references._uploads) == 0
    assert page.kernel._references._tidy not in page.studio._core.engine.each_beat
    assert stored(page) == set()


def test_a_full_disk_is_named_and_leaves_nothing(page, monkeypatch):
    import errno

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("imgplay_widget._store.assets._write_whole", full)
        assert page.upload(png())["error"]["code"] == "disk_full"
    assert stored(page) == set()
    assert temporary(page) == []
    assert page.upload(png())["result"]["reference"]["digest"] == sha(png())


# ------------------------------------------------------------------ generate


def test_uploaded_references_and_mask_are_sent_in_their_order(page, fake):
    first, second = png(64, 64), png(32, 16)
    mask = mask_png(64, 64, free=LEFT)
    digests = [page.refer(first), page.refer(second)]
    over = page.refer(mask, purpose="mask")
    made = page.result("generate", **request(digests, over))
    page.wait_for(lambda events: any(e.get("generation", {}).get("status") == "success" for e in events))
    (unit,) = fake.submits
    assert [reference.digest for reference in unit.references] == [sha(first), sha(second)]
    assert unit.mask.digest == sha(mask)
    (batch,) = made["batches"]
    assert [r["digest"] for r in batch["references"]] == digests
    assert batch["mask"]["digest"] == over


@pytest.mark.parametrize(
    ("references", "mask", "code", "says"),
    [
        (["gone"], None, "not_found", "reference is gone"),
        (["../../etc/passwd"], None, "not_found", "reference is gone"),
        (["0" * 64], None, "not_found", "reference is gone"),
        ([png(), png(32, 32), png(16, 16)], None, "invalid_request", "3 are too many"),
        ([noise()], None, "invalid_request", "takes 1 MB at most"),
        ([png()], "0" * 64, "not_found", "mask is gone"),
        ([png(32, 32)], mask_png(64, 64, free=LEFT), "invalid_request", "same size"),
        ([], mask_png(64, 64, free=LEFT), "invalid_request", "not have a reference"),
    ],
)
def test_a_reference_that_does_not_do_is_refused_before_anything_is_stored(
    page, fake, references, mask, code, says
):
    def digest(item, purpose="reference"):
        return page.refer(item, purpose=purpose) if isinstance(item, bytes) else item

    digests = [digest(item) for item in references]
    over = None if mask is None else digest(mask, "mask")
    error = page.error("generate", **request(digests, over))
    assert error["code"] == code
    assert says in error["message"]
    assert page.result("hello")["snapshot"]["topics"] == []
    assert fake.submits == []


def test_a_reference_whose_file_is_gone_is_refused(page, fake):
    digest = page.refer(png())
    shutil.rmtree(page.studio._core.archive.store.assets.root / "originals")
    assert page.error("generate", **request([digest]))["code"] == "not_found"
    reply, buffers = page.call("reference_thumbnails", digests=["0" * 64, digest])
    # The thumbnail is still cached, but its original cannot be sent.
    assert [item["buffer"] for item in reply["result"]["items"]] == [None, None]
    assert buffers == []


# ------------------------------------------------------------------ photos that ask for a turn


def photo():
    """Return a JPEG of 32 × 16 pixels, white in its left half, that asks to be turned by a quarter."""
    image = Image.new("L", (32, 16))
    image.paste(255, (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", exif=exif, quality=95)
    return buffer.getvalue()


def looks(data):
    """Return the size of the pixels of a file, and whether their upper half is the white one."""
    with Image.open(io.BytesIO(data)) as image:
        upper, lower = (image.convert("L").getpixel((image.width // 2, row)) for row in (4, image.height - 5))
        return image.size, upper > 200 > lower


def test_a_photo_is_upright_on_the_page_and_so_is_its_mask(page, fake):
    state = page.upload(photo())["result"]["reference"]
    assert (state["mediaType"], state["width"], state["height"]) == ("image/jpeg", 16, 32)
    digest = state["digest"]
    for method, fields in (
        ("reference_thumbnails", {"digests": [digest]}),
        ("reference_original", {"digest": digest}),
    ):
        assert looks(page.call(method, **fields)[1][0]) == ((16, 32), True)
    over = page.refer(mask_png(16, 32, free=(0, 0, 16, 16)), purpose="mask")
    page.result("generate", **request([digest], over))
    page.wait_for(lambda events: any(e.get("generation", {}).get("status") == "success" for e in events))
    (sent,) = fake.submits[0].references
    assert (sent.digest, sent.width, sent.height) == (digest, 16, 32)


def kept_before(page):
    """Keep a photo as an earlier version did: on its side. Return its digest."""
    return page.studio._core.archive.store.assets.add_reference(photo()).digest


def test_a_photo_that_an_earlier_version_kept_on_its_side_is_upright_when_it_is_used(page, fake):
    core, digest = page.studio._core, kept_before(page)
    assert looks(page.call("reference_original", digest=digest)[1][0]) == ((16, 32), True)
    page.result("generate", **request([digest]))
    old = replace(core.archive.store.assets.reference(digest), width=32, height=16)
    page.studio.generate("a fox", model="fake:image", references=old).result(WAIT)
    page.wait_for(lambda events: any(e.get("generation", {}).get("status") == "success" for e in events))
    for unit in fake.submits:
        assert (unit.references[0].width, unit.references[0].height) == (16, 32)
        assert looks(core.files.reference_path(unit.references[0]).read_bytes()) == ((16, 32), True)
    assert len(fake.submits) == 2


def test_a_photo_in_an_earlier_draft_is_upright(tmp_path, fake, open_page):
    with open_page(store=tmp_path / "s.sqlite") as page:
        core, digest = page.studio._core, kept_before(page)
        old = replace(core.archive.store.assets.reference(digest), width=32, height=16)
        draft = Draft(prompt="a fox", references=(old,), mask=None)
        core.call(core.archive.in_store, core.archive.store.save_draft, None, draft)
        (state,) = page.result("hello")["snapshot"]["draft"]["references"]
        assert (state["width"], state["height"]) == (16, 32)
        assert page.studio.references[0].height == 32


def test_a_result_that_asks_for_a_turn_is_an_upright_reference(open_page):
    with open_page(FakeProvider([Done(images=(Inline(data=photo()),))])) as page:
        batch = page.studio.generate("a fox", model="fake:image").result(WAIT)
        (entry,) = page.result("feed", topicId=None)["feed"]["batches"]
        (generation,) = entry["generations"]
        assert (generation["width"], generation["height"]) == (16, 32)
        taken = page.result("take_reference", source="generation", value=batch[0].id)["reference"]
        assert (taken["width"], taken["height"]) == (16, 32)
        assert looks(page.call("reference_original", digest=taken["digest"])[1][0]) == ((16, 32), True)
        (made,) = page.result("generate", **request([taken["digest"]]))["batches"]
        assert parent_of(page.studio, made) == batch[0].id


# ------------------------------------------------------------------ results as references


def test_a_result_is_a_reference_without_a_copy(page, fake):
    batch = page.studio.generate("a fox", model="fake:image").result(WAIT)
    before = stored(page)
    taken = page.result("take_reference", source="generation", value=batch[0].id)["reference"]
    assert taken["digest"] == sha(batch[0].bytes)
    assert (taken["width"], taken["height"]) == (64, 64)
    assert stored(page) == before
    page.result("generate", **request([taken["digest"]]))


def test_a_result_that_is_deleted_stays_as_reference(page):
    batch = page.studio.generate("a fox", model="fake:image").result(WAIT)
    data = batch[0].bytes
    digest = page.result("take_reference", source="generation", value=batch[0].id)["reference"]["digest"]
    batch.delete()
    assert page.call("reference_original", digest=digest)[1] == [data]
    assert page.result("generate", **request([digest]))


def parent_of(studio, entry):
    """Return the first parent of a stored batch."""
    archive = studio._core.archive
    (stored,) = studio._core.call(archive.in_store, archive.store.entries, [entry["id"]])
    return stored.generations[0].parent_id


def gif():
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(buffer, format="GIF")
    return buffer.getvalue()


def test_a_request_by_the_page_knows_the_results_from_which_it_is_made(page, fake):
    first, second = (page.studio.generate("a fox", model="fake:image").result(WAIT) for _ in range(2))
    assert first[0].bytes == second[0].bytes
    digest = page.refer(first[0].bytes)
    (made,) = page.result("generate", **request([digest]))["batches"]
    assert parent_of(page.studio, made) == first[0].id
    # Of two results with the same bytes, the one that the user chose counts.
    page.result("take_reference", source="generation", value=second[0].id)
    (made,) = page.result("generate", **request([digest]))["batches"]
    assert parent_of(page.studio, made) == second[0].id


def test_a_result_that_was_converted_is_still_known(open_page):
    answers = [Done(images=(Inline(data=gif()),))]
    with open_page(FakeProvider(answers)) as page:
        batch = page.studio.generate("a fox", model="fake:image").result(WAIT)
        taken = page.result("take_reference", source="generation", value=batch[0].id)["reference"]
        assert taken["mediaType"] == "image/png"
        (made,) = page.result("generate", **request([taken["digest"]]))["batches"]
        assert parent_of(page.studio, made) == batch[0].id


def test_a_request_by_code_knows_the_results_from_which_it_is_made(open_page, tmp_path):
    answers = [picture(), Done(images=(Inline(data=gif()),))]
    with open_page(FakeProvider(answers)) as page:
        generate = page.studio.generate
        first, converted = (generate("a fox", model="fake:image").result(WAIT)[0] for _ in range(2))
        file = first.save(tmp_path / "fox.png")
        for given, parent in ((first, first), (file, first), (file.read_bytes(), first), (png(), None)):
            child = generate("a hare", model="fake:image", references=[given]).result(WAIT)[0]
            assert child._row.parent_id == (parent and parent.id)
        child = generate("a hare", model="fake:image", references=[png(), converted]).result(WAIT)[0]
        assert child._row.parent_id == converted.id
        assert page.studio.add_reference(converted).generation_id == converted.id


def test_what_has_no_image_is_no_reference(page):
    assert page.error("take_reference", source="generation", value="gone")["code"] == "not_found"


def test_thumbnails_of_references_are_small(page):
    data = noise(1600, 400)
    digest = page.refer(data)
    reply, buffers = page.call("reference_thumbnails", digests=["gone", digest])
    assert reply["result"]["items"] == [
        {"digest": "gone", "buffer": None},
        {"digest": digest, "buffer": 0},
    ]
    image = Image.open(io.BytesIO(buffers[0]))
    assert (image.format, max(image.size)) == ("WEBP", 768)


def test_an_upload_outlives_the_kernel(tmp_path, fake, open_page):
    with open_page(store=tmp_path / "s.sqlite") as page:
        digest = page.refer(png())
    with open_studio(fake, store=tmp_path / "s.sqlite") as studio:
        studio._core.start(studio._core.archive.settle).result(WAIT)
        assert studio._core.start(studio._core.references.find, digest).result(WAIT).width == 64


def test_the_image_of_another_user_is_not_there(tmp_path, fake, open_page):
    with (
        open_page(store=tmp_path / "s.sqlite") as mine,
        open_page(store=tmp_path / "s.sqlite", user_id="eve") as hers,
    ):
        upload, drafted, used = png(), png(8, 8), png(9, 9)
        digests = [mine.refer(one) for one in (upload, drafted, used)]
        mine.call("save_draft", topicId=None, prompt="", references=[digests[1]], mask=None)
        done = mine.studio.generate("a fox", model="fake:image", references=[used]).result(WAIT)
        digests.append(sha(done[0].bytes))
        for digest in digests:
            assert hers.error("reference_original", digest=digest)["code"] == "not_found"
            reply, buffers = hers.call("reference_thumbnails", digests=[digest])
            assert (reply["result"]["items"], buffers) == ([{"digest": digest, "buffer": None}], [])
            assert hers.error("generate", **request([digest]))["code"] == "not_found"
            hers.call("save_draft", topicId=None, prompt="eve", references=[digest], mask=digest)
            assert hers.studio._core.call(lambda: hers.studio._core.drafts.read(None)).inputs == ()
            assert mine.call("reference_original", digest=digest)[0]["error"] is None
        # Who has the bytes may use them, and takes them from nobody.
        assert hers.refer(upload) == digests[0]
        hers.result("generate", **request([digests[0]]))
        assert mine.call("reference_original", digest=digests[0])[1] == [upload]


def test_a_locked_store_refuses_a_reference_that_it_must_look_up(page, monkeypatch):
    def locked(digest):
        raise StoreLocked("Another program holds the store.")

    known, asked = page.refer(png()), sha(b"not known")
    monkeypatch.setattr(page.studio._core.archive.store, "owns", locked)
    for method, fields in (("reference_original", {"digest": asked}), ("generate", request([asked]))):
        assert page.error(method, **fields)["code"] == "store_locked"
    reply, buffers = page.call("reference_thumbnails", digests=[asked, known])
    assert [one["buffer"] for one in reply["result"]["items"]] == [None, 0]
    assert len(buffers) == 1


def test_an_image_of_the_user_is_found_after_a_restart(tmp_path, fake, open_page):
    with open_page(store=tmp_path / "s.sqlite") as page:
        upload, drafted, used = png(), png(8, 8), png(9, 9)
        digests = [page.refer(one) for one in (upload, drafted, used)]
        page.call("save_draft", topicId=None, prompt="", references=[digests[1]], mask=None)
        done = page.studio.generate("a fox", model="fake:image", references=[used]).result(WAIT)
        whole = [upload, drafted, used, done[0].bytes]
    with open_page(store=tmp_path / "s.sqlite") as page:
        assert [page.call("reference_original", digest=sha(one))[1] for one in whole] == [
            [one] for one in whole
        ]


def test_a_link_is_fetched_without_a_key_and_kept(page):
    with ProviderServer() as server:
        server.files["/fox.png"] = png(40, 30)
        page.studio._core.clients.links.spec = replace(page.studio._core.clients.links.spec, local=True)
        link = f"{server.origin}/fox.png"
        taken = page.result("take_reference", source="link", value=link)["reference"]
        assert (taken["width"], taken["height"], taken["mediaType"]) == (40, 30, "image/png")
        assert "authorization" not in {name.lower() for name in server.requests[0].headers}
        error = page.error("take_reference", source="link", value=f"{server.origin}/gone.png")
        assert error["code"] == "invalid_request"
        assert "404" in error["message"]


@pytest.mark.parametrize(
    "link", ["http://127.0.0.1:9/fox.png", "https://127.0.0.1:9/fox.png", "ftp://x/y", "fox"]
)
def test_a_link_that_is_not_public_https_is_refused(page, link):
    error = page.error("take_reference", source="link", value=link)
    assert error["code"] == "invalid_request"
    assert "public https link" in error["nextStep"]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (RESET_AFTER, "connection"),
        (Answer(200, {"Content-Type": "image/png"}, png(40, 30), cut=20), "connection"),
        (Answer(200, {"Content-Type": "text/html"}, b"<html>sign in</html>"), "image"),
        (HANG, "60 s"),
    ],
    ids=["reset", "cut", "no image", "silence"],
)
def test_a_link_that_brings_no_image_says_why(open_page, answer, says):
    clock = InstantClock()
    with open_page(clock=clock) as page, ProviderServer([answer]) as server:
        page.studio._core.clients.links.spec = replace(page.studio._core.clients.links.spec, local=True)
        call = {"method": "take_reference", "source": "link", "value": f"{server.origin}/fox.png"}
        asked = page.studio._core.start(page.kernel.receive, {"kind": "request", "id": "link", "call": call})
        assert server.wait_for(lambda requests: len(requests) == 1)
        if answer is HANG:
            clock.advance(60)
        asked.result(WAIT)
        (error,) = [c["error"] for c, _ in page.messages if c["kind"] == "reply" and c["to"] == "link"]
        assert error["code"] == "invalid_request"
        assert says in error["message"]
        assert error["nextStep"]
        assert stored(page) == set()


# ------------------------------------------------------------------ what the user wants of an image


def test_what_the_user_wants_of_an_image_is_in_batch_recipe_files_and_tables(page, tmp_path):
    digest = page.upload(png())["result"]["reference"]["digest"]
    call = request([digest])
    call["wishes"][0]["action"] = "edit"
    (batch,) = page.result("generate", **call)["batches"]
    assert batch["action"] == "edit"
    (made,) = page.studio.batches()
    made.result(WAIT)
    assert made.action == "edit"
    assert page.result("recipe", generationId=made[0].id)["recipe"]["action"] == "edit"
    assert made[0].recipe["action"] == "edit"
    for table in ("batches", "generations"):
        assert list(page.studio.sql(f"SELECT action FROM {table}")) == [("edit",)]
    page.studio.export(tmp_path / "data", format="jsonl")
    (line,) = (tmp_path / "data" / "images.jsonl").read_text().splitlines()
    assert json.loads(line)["action"] == "edit"


@pytest.mark.parametrize(("references", "action"), [([], "edit"), ([], "sing")])
def test_an_action_without_an_image_or_of_no_kind_is_refused(page, references, action):
    call = request(references)
    call["wishes"][0]["action"] = action
    assert page.error("generate", **call)["code"] == "invalid_request"
    assert not page.studio.topics
