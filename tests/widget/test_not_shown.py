"""What the page gets of images that browsers do not draw, or that nothing here draws."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from imgplay_widget.providers import Done, Inline
from imgplay_widget.testing import FakeProvider, png

WAIT = 20
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='64' height='48'><script>alert(1)</script></svg>"


def noise(kind):
    out = io.BytesIO()
    Image.effect_noise((64, 48), 90).convert("RGB").save(out, kind)
    return out.getvalue()


@pytest.fixture
def page_with(open_page):
    def opener(data):
        return open_page(FakeProvider(script=[Done(images=(Inline(data=data),))]))

    return opener


def test_an_svg_has_a_reason_in_place_of_a_thumbnail_and_is_never_sent_as_a_drawing(page_with):
    with page_with(SVG) as page:
        page.result("hello")
        image = page.studio.generate("a fox", model="fake:image").result(WAIT)[0]
        (item,) = page.result("thumbnails", generationIds=[image.id])["items"]
        assert (item["buffer"], item["reason"]) == (None, "kind")
        assert page.error("view", generationId=image.id)["code"] == "not_shown"
        reply, buffers = page.call("original", generationId=image.id)
        assert buffers == [SVG]
        assert reply["result"]["mediaType"] == "application/octet-stream"
        assert reply["result"]["fileName"].endswith(".svg")


def test_the_large_view_gets_what_browsers_draw(page_with):
    with page_with(noise("TIFF")) as page:
        image = page.studio.generate("a fox", model="fake:image").result(WAIT)[0]
        reply, (shown,) = page.call("view", generationId=image.id)
        assert reply["result"]["mediaType"] == "image/webp"
        assert reply["result"]["fileName"] is None
        assert Image.open(io.BytesIO(shown)).size == (64, 48)
        (item,) = page.result("thumbnails", generationIds=[image.id])["items"]
        assert item["reason"] is None


def test_the_large_view_gets_the_original_unless_the_browser_could_not_draw_it(page_with):
    with page_with(png(64, 48)) as page:
        image = page.studio.generate("a fox", model="fake:image").result(WAIT)[0]
        reply, (shown,) = page.call("view", generationId=image.id)
        assert shown == image.bytes
        assert reply["result"]["fileName"].endswith(".png")
        reply, (shown,) = page.call("view", generationId=image.id, asWebp=True)
        assert reply["result"]["mediaType"] == "image/webp"
        assert shown[:4] == b"RIFF"


def test_an_image_that_came_in_part_is_marked_and_one_whose_file_is_gone_says_so(page_with):
    whole = noise("PNG")
    with page_with(whole[: len(whole) * 3 // 4]) as page:
        page.result("hello")
        image = page.studio.generate("a fox", model="fake:image").result(WAIT)[0]
        page.wait_for(lambda events: any(e["type"] == "generation_changed" for e in events))
        (shown,) = page.result("hello")["snapshot"]["feed"]["batches"]
        assert shown["generations"][0]["damaged"]
        page.studio._core.start(page.studio._core.archive.settle).result(WAIT)
        assets = page.studio._core.archive.store.assets
        asset = image._row.asset
        for url in (asset.url, asset.thumbnail_url):
            assets.path(url).unlink()
        (item,) = page.result("thumbnails", generationIds=[image.id])["items"]
        assert item["reason"] == "gone"
