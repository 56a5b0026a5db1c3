"""What is kept: the history in a database, the bytes in files beside it.

`Store` is blocking and is used from one thread; `Store.assets` and `images` may be used from any.
"""

from imgplay_widget._store import images
from imgplay_widget._store.assets import Assets
from imgplay_widget._store.packs import PackedImage, write_pack
from imgplay_widget._store.store import Hidden, Restored, Store, StoredImage

__all__ = [
    "Assets",
    "Hidden",
    "PackedImage",
    "Restored",
    "Store",
    "StoredImage",
    "images",
    "write_pack",
]
