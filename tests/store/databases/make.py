"""The writer of an example history in the present format: ``python tests/store/databases/make.py``.

Run it once for each new format, and never again for a released format.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from store_makers import add_batch, encode, fill, make_batch, make_topic  # noqa: E402

from imgplay_widget._store import Store, migrations  # noqa: E402


def main():
    from PIL import Image

    file = HERE / f"v{len(migrations.STEPS):04}.sqlite"
    if file.exists():
        sys.exit(f"{file.name} is there already; a released format does not change")
    store = Store.open(file)
    store.register("me")
    reference = store.assets.add_reference(encode(Image.new("RGB", (8, 8), "teal"), "PNG"))
    topic = make_topic()
    batch, generations, tasks = make_batch(topic, 2, references=[reference])
    add_batch(store, batch, generations, tasks, new_topic=topic)
    fill(store, generations[0], tasks[0], encode(Image.new("RGB", (16, 12), "orange"), "PNG"))
    store.star([generations[0].id], starred=True)
    store.score({generations[0].id: {"clip": 0.31}})
    store.tag([generations[0].id], add=["poster"])
    store.save_setting("config", {"model": "demo:paint", "starred_models": ["demo:paint"]})
    store.close()
    (file.with_name(f"{file.name}.assets") / "files.lock").unlink()
    # An empty journal stays where the installed SQLite has no safe WAL.
    file.with_name(f"{file.name}-journal").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
