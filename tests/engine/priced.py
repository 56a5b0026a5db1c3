"""A provider whose images have a price."""

from __future__ import annotations

from dataclasses import replace

from imgplay_widget._types import Price
from imgplay_widget.testing import FakeProvider


class Priced(FakeProvider):
    """A cloud whose images cost $0.04 by its price list. The price of the model ``queue`` is unknown."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.spec = replace(self.spec, local=False)

    def models(self):
        price = Price(amount="0.04", unit="image")
        return tuple(spec if spec.id == "queue" else replace(spec, price=price) for spec in super().models())
