"""A studio with one fake provider."""

from __future__ import annotations

import pytest

from imgplay_widget.testing import FakeProvider, open_studio


@pytest.fixture
def fake():
    return FakeProvider()


@pytest.fixture
def studio(fake):
    with open_studio(fake) as studio:
        yield studio
