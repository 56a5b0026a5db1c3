"""The endpoints of models, of presets and of money."""

from __future__ import annotations

from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING

from imgplay_widget import errors
from imgplay_widget._page.states import model_state, preset_state, provider_state
from imgplay_widget._rules.costs import moment_of
from imgplay_widget.errors import InvalidRequest
from imgplay_widget.server.rest.declare import Asked, Endpoint, JsonAnswer
from imgplay_widget.server.rest.states import spending_event
from imgplay_widget.server.rest.values import (
    ModelsAnswer,
    ModelsQuery,
    NoFields,
    PresetsAnswer,
    SpentAnswer,
    SpentLine,
    SpentQuery,
)

if TYPE_CHECKING:
    from imgplay_widget._page.protocol import ProviderState
    from imgplay_widget._rules.costs import Spend
    from imgplay_widget.providers.base import Provider
    from imgplay_widget.server.rest.studio import RestStudio

__all__ = ["ENDPOINTS"]


async def list_models(asked: Asked[ModelsQuery, NoFields], studio: RestStudio) -> JsonAnswer:
    """List the models by their names, and the providers with the states of their keys."""
    core, query = studio.core, asked.query
    core.archive.aside(core.offers.freshen())
    registry = core.registry
    providers = registry.providers() if query.provider is None else [registry.get(query.provider)]
    names = {provider.spec.name for provider in providers}
    specs = sorted((spec for spec in registry.models() if spec.provider in names), key=lambda one: one.name)
    rest = [spec for spec in specs if query.cursor is None or spec.name > query.cursor]
    page = rest[: query.limit]
    return JsonAnswer(
        value=ModelsAnswer(
            models=[model_state(spec) for spec in page],
            providers=[_provider(provider, studio) for provider in providers],
            next=page[-1].name if len(rest) > len(page) else None,
        )
    )


async def list_presets(_: Asked[NoFields, NoFields], studio: RestStudio) -> JsonAnswer:
    """List the presets of the user by their names."""
    presets = studio.core.presets
    found = await presets.all()
    states = [preset_state(name, one, gone=not presets.has_model(one)) for name, one in found.items()]
    return JsonAnswer(value=PresetsAnswer(presets=states))


def _provider(provider: Provider, studio: RestStudio) -> ProviderState:
    core, spec = studio.core, provider.spec
    writer = core.writer.model(spec.name)
    return provider_state(
        spec,
        core.keys.state(spec),
        source=core.keys.source(spec),
        discovered_at=core.offers.asked_at(spec.name),
        unanswered=core.offers.unanswered(spec.name),
        server=core.servers.url(spec.name),
        preset=core.servers.preset(spec.name),
        writes=bool(core.writer.text_model(provider)),
        writer=None if writer is None else writer.name,
    )


async def read_spent(asked: Asked[SpentQuery, NoFields], studio: RestStudio) -> JsonAnswer:
    """Return the money that was spent, by model. Failed calls that were billed and deleted images count."""
    query, archive = asked.query, studio.core.archive
    if query.topic_id is not None:
        await archive.topic(query.topic_id)
    try:
        moment = moment_of(query.since)
        since = None if moment is None else moment.astimezone(UTC)
    except (OverflowError, ValueError, OSError):
        raise InvalidRequest("since lies outside of the calendar.", parameter="since") from None
    spend = await archive.in_store(partial(archive.store.spent, since=since, topic_id=query.topic_id))
    today = spending_event(await studio.core.spending.read())
    by_model = {name: _line(one) for name, one in spend.by_model.items()}
    return JsonAnswer(value=SpentAnswer(**dict(_line(spend)), by_model=by_model, today=today))


def _line(spend: Spend) -> SpentLine:
    return SpentLine(
        usd=format(spend.usd, "f"),
        images=spend.images,
        unknown=spend.unknown,
        estimated=format(spend.estimated, "f"),
        uncertain=format(spend.uncertain, "f"),
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/models",
        function=list_models,
        query=ModelsQuery,
        answer=ModelsAnswer,
        errors=(errors.NotFound,),
        group="models",
    ),
    Endpoint(method="GET", path="/presets", function=list_presets, answer=PresetsAnswer, group="presets"),
    Endpoint(
        method="GET",
        path="/spent",
        function=read_spent,
        query=SpentQuery,
        answer=SpentAnswer,
        errors=(errors.NotFound,),
        group="money",
    ),
)
"""The endpoints of models and of money."""
