"""The store: the history in a database, and the bytes of the images in files beside it.

`Store` blocks, and one thread uses it. Any thread may use `Store.assets` and `images`.
"""

from imgplay_widget._store import images
from imgplay_widget._store.assets import Assets
from imgplay_widget._store.backups import restore_backup, write_backup
from imgplay_widget._store.packs import PackedImage, write_pack
from imgplay_widget._store.store import Hidden, Restored, SavedSweep, Store, StoredImage

__all__ = [
    "Assets",
    "Hidden",
    "PackedImage",
    "Restored",
    "SavedSweep",
    "Store",
    "StoredImage",
    "images",
    "restore_backup",
    "write_backup",
    "write_pack",
]
