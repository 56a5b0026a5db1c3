"""The bytes on the disk are whole, or not there at all."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from store_makers import add_batch, files, fill, make_batch, make_png, make_topic

from imgplay_widget._ids import new_id
from imgplay_widget._store import images
from imgplay_widget.errors import CorruptImage, NotFound, NotShown, StoreError

HERE = Path(__file__).parent


@pytest.fixture
def asset(store):
    store.register("me")
    topic = make_topic()
    batch, generations, tasks = make_batch(topic)
    add_batch(store, batch, generations, tasks, new_topic=topic)
    return fill(store, generations[0], tasks[0], make_png((1000, 500))).asset


def test_what_arrived_is_kept_replaced_and_discarded(store):
    name = new_id()
    assert store.assets.incoming(name) is None
    store.assets.receive(name, b"first")
    digest = store.assets.receive(name, b"second")
    assert digest == "16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4"
    assert store.assets.incoming(name) == b"second"
    store.assets.discard(name)
    store.assets.discard(name)
    assert files(store) == set()


@pytest.mark.parametrize(
    "url",
    [
        "../history.sqlite",
        "/etc/passwd",
        "originals/../../x",
        "originals/ab/x.png",
        "incoming/a",
        "",
        "covers/../a.webp",
    ],
)
def test_a_url_that_is_not_ours_is_refused(store, url):
    with pytest.raises(NotFound):
        store.assets.read(url)


def test_an_id_that_is_not_one_cannot_leave_the_folder(store):
    with pytest.raises(ValueError, match="id"):
        store.assets.receive("../../escape", b"x")


def test_a_thumbnail_is_made_once_and_then_read(store, asset):
    path = store.assets.path(asset.thumbnail_url)
    assert not path.exists()
    data = store.assets.thumbnail(asset)
    assert path.read_bytes() == data
    path.write_bytes(b"cached")
    assert store.assets.thumbnail(asset) == b"cached"


def test_a_thumbnail_without_its_original_is_a_named_error(store, asset):
    store.assets.path(asset.url).unlink()
    with pytest.raises(StoreError, match="gone"):
        store.assets.thumbnail(asset)


def test_a_thumbnail_of_a_damaged_original_is_a_named_error(store, asset):
    path = store.assets.path(asset.url)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(NotShown):
        store.assets.thumbnail(asset)


def test_a_reference_is_known_by_its_bytes(store, tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    reference = store.assets.add_reference(data)
    assert (reference.media_type, reference.width, reference.height) == ("image/jpeg", 30, 20)
    assert store.assets.add_reference(data) == reference
    assert store.assets.read(store.assets.original_url(reference.digest, reference.media_type)) == data
    with pytest.raises(CorruptImage, match="size"):
        store.assets.add_reference(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    with pytest.raises(CorruptImage, match="HTML"):
        store.assets.add_reference(b"<!DOCTYPE html><p>Sign in")


FULL = """
import resource, signal, sys
sys.path.insert(0, sys.argv[2])
from store_makers import add_batch, files, make_batch, make_png, make_topic, receive
from imgplay_widget._store import Store
from imgplay_widget.errors import DiskFull, StoreError
store = Store.open(sys.argv[1])
store.register("me")
topic = make_topic()
batch, generations, tasks = make_batch(topic)
add_batch(store, batch, generations, tasks, new_topic=topic)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    store.assets.receive(generations[0].id, make_png((600, 600)))
except DiskFull as error:
    print(error.code, error.retryable, len(files(store)))
image = receive(store, generations[0], make_png((20, 20)))
print(image.width)
try:
    store.save_setting("large", "x" * 2_000_000)
except StoreError as error:
    print(type(error).__name__)
print(store.setting("large"), store.entry(batch.id).batch == batch)
store.save_setting("small", 1)
print(store.setting("small"))
store.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of file size")
def test_a_full_disk_is_a_named_error_and_nothing_of_the_image_stays(tmp_path):
    command = [sys.executable, "-W", "error", "-c", FULL, str(tmp_path / "h.sqlite"), str(HERE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["disk_full True 0", "20", "StoreError", "None True", "1"]


def test_covers_are_square_and_thumbnails_keep_the_shape(store, asset):
    thumbnail, cover = images.render(store.assets.read(asset.url))
    for data, size in ((thumbnail, (768, 384)), (cover, (256, 256))):
        accepted = images.accept(data)
        assert (accepted.media_type, accepted.width, accepted.height) == ("image/webp", *size)
