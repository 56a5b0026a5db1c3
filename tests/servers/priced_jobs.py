"""A provider that has a key and may bill, for `tests.servers.job_server`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from imgplay_widget._types import ModelSpec, Price
from tests.faults.job_provider import JobProvider

PRICES = {"image": Price(amount="0.04", unit="image"), "queue": Price(amount="0.01", unit="image")}


class PricedJobs(JobProvider):
    """The prices of ``image`` and ``queue`` are known, and those of the other models are not."""

    spec = replace(JobProvider.spec, key_variables=("JOBS_TEST_KEY",))

    def models(self) -> Sequence[ModelSpec]:
        return [replace(spec, price=PRICES.get(spec.id)) for spec in super().models()]
