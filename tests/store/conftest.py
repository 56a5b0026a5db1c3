import pytest

from imgplay_widget._store import Store


@pytest.fixture
def open_store(tmp_path):
    """Return a function that opens stores, by default all at the same location; the end closes them."""
    opened = []

    def open_(location=None, **options):
        store = Store.open(tmp_path / "history.sqlite" if location is None else location, **options)
        opened.append(store)
        return store

    yield open_
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store):
    return open_store()
