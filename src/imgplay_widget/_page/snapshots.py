"""The snapshots of a page: the whole one for a running kernel, and the small one that a notebook keeps."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from imgplay_widget._page import protocol
from imgplay_widget._page.feeds import FIRST_TOPICS
from imgplay_widget._page.states import config_state, draft_state, model_state, provider_state, spending_state
from imgplay_widget.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgplay_widget._page.calls import Attachments
    from imgplay_widget._page.events import EventStream
    from imgplay_widget._page.feeds import Feeds
    from imgplay_widget._page.selection import Selection
    from imgplay_widget._studio.core import Core
    from imgplay_widget._types import ModelSpec
    from imgplay_widget.providers.base import Provider

__all__ = ["Snapshots"]

STATE_IMAGES, STATE_PICTURES = 8, 28_000
"""The most pictures in the synced state, and the most base64 characters of all of them together."""

STATE_TOPICS, STATE_BATCHES, STATE_TEXT = 24, 6, 240
"""The most topics and batches in the synced state, and the most characters of each text."""


STATE_LABELS = 3
"""The most scores, and the most tags, of an image in the synced state."""


class Snapshots:
    """The snapshots of one page. They are made on the engine's loop.

    Args:
        core: the studio.
        feeds: the lists, of which a snapshot has the first pages.
        events: the events, of which a snapshot names the last one that it includes.
        selection: the selected images of the page.
    """

    def __init__(self, core: Core, feeds: Feeds, events: EventStream, selection: Selection) -> None:
        self._core = core
        self._archive = core.archive
        self._feeds = feeds
        self._events = events
        self._selection = selection
        # The pictures of the last small snapshot, in base64 by generation id.
        self._minis: dict[str, str] = {}

    async def whole(
        self,
        buffers: Attachments | None = None,
        known_catalog: str | None = None,
        *,
        max_topics: int = FIRST_TOPICS,
    ) -> protocol.Snapshot:
        """Return the snapshot for a page that has a kernel.

        Args:
            buffers: the buffers to which the offered models are added. Without it, the catalog is left out.
            known_catalog: the digest of the catalog that the page has.
            max_topics: the most topics, besides the active topic.
        """
        # The number is read first. Changes that come while the rest is read are then sent as events too. An
        # event that the snapshot includes already does not do harm.
        seq = self._events.seq
        active = self._core.topics.active
        topics = await self._feeds.topics(active, max_topics)
        feed = await self._feeds.page(active) if active else None
        registry = self._core.registry
        config = config_state(self._core.panel.config)
        catalog, packed = "", None
        if buffers is not None:
            catalog, packed = _packed(tuple(registry.models()))
            packed = None if catalog == known_catalog else packed
        return protocol.Snapshot(
            protocol=protocol.PROTOCOL,
            seq=seq,
            models=self._configured(config),
            catalog=catalog,
            catalog_buffer=None if buffers is None else buffers.add_optional(packed),
            providers=[self._provider(provider) for provider in registry.providers()],
            config=config,
            max_count=self._core.max_count,
            topics=topics.topics,
            topics_before=topics.before,
            active_topic_id=active,
            feed=feed,
            draft=draft_state(await self._core.drafts.read(active)),
            spending=spending_state(await self._core.spending.read()),
            # This is read last: a selection of a page needs no event that could correct the snapshot.
            selected=self._selection.ids,
            thumbnails={},
        )

    def _configured(self, config: protocol.Config) -> list[protocol.ModelState]:
        found: list[protocol.ModelState] = []
        for name in dict.fromkeys((config.model, *config.also_models)):
            # The provider of a chosen model may be gone by now. The page tells the user.
            with contextlib.suppress(NotFound):
                found.append(model_state(self._core.registry.find(name)[1], name))
        return found

    def _provider(self, provider: Provider) -> protocol.ProviderState:
        spec, keys, writer = provider.spec, self._core.keys, self._core.writer
        writes = writer.model(spec.name)
        return provider_state(
            spec,
            keys.state(spec),
            source=keys.source(spec),
            discovered_at=self._core.offers.asked_at(spec.name),
            unanswered=self._core.offers.unanswered(spec.name),
            server=self._core.servers.url(spec.name),
            preset=self._core.servers.preset(spec.name),
            writes=bool(writer.text_model(provider)),
            writer=None if writes is None else writes.name,
        )

    async def small(self) -> dict[str, Any]:
        """Return the snapshot for the synced state: of bounded size, with very small pictures.

        A page shows this snapshot until the kernel answers, and a saved notebook keeps it.
        """
        whole = await self.whole(max_topics=STATE_TOPICS)
        feed = whole.feed
        if feed is not None:
            batches = [_shortened(await self._whole_sweep(batch)) for batch in feed.batches[:STATE_BATCHES]]
            feed = feed.model_copy(update={"batches": batches, "before": None})
        config = whole.config
        shown = [] if feed is None else [g.id for b in feed.batches for g in b.generations if g.media_type]
        # The other chosen models matter only for the Generate button, which needs a kernel.
        models = [model for model in whole.models if model.name == config.model]
        used = {model.provider for model in models}
        bounded = whole.model_copy(
            update={
                "models": models,
                "providers": [provider for provider in whole.providers if provider.name in used],
                "config": config.model_copy(
                    update={
                        "also_models": [],
                        "params": {k: v for k, v in config.params.items() if k == config.model},
                    }
                ),
                "feed": feed,
                # A draft changes with each typed word, so it is not synced. The kernel sends the draft.
                "draft": protocol.DraftState(),
                # A saved notebook may be opened on another day, when today's total is wrong.
                "spending": protocol.SpendingState(),
                "thumbnails": await self._miniatures(shown[:STATE_IMAGES]),
            }
        )
        return bounded.wire()

    async def _whole_sweep(self, batch: protocol.BatchState) -> protocol.BatchState:
        """Return what a saved notebook shows of a sweep: its template, and the first images of its cells.

        A part of the page draws the grid, and only a kernel has the part. A sweep may have any number of
        cells. A batch that does not belong to a sweep stays as it is.
        """
        if batch.sweep_id is None:
            return batch
        try:
            sweep = await self._archive.sweep(batch.sweep_id)
        except NotFound:
            return batch
        ids = [cell for cell in sweep.cells if cell is not None][:STATE_IMAGES]
        found = {one.id: one for one in await self._feeds.named(ids)}
        images = [image for batch_id in ids if batch_id in found for image in found[batch_id].generations]
        return batch.model_copy(
            update={
                "prompt": sweep.template,
                "generations": [
                    image.model_copy(update={"position": position})
                    for position, image in enumerate(images[:STATE_IMAGES])
                ]
                or batch.generations,
            }
        )

    async def _miniatures(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the pictures of a small snapshot, in base64 by generation id. Each picture is made once."""
        known, self._minis, room = self._minis, {}, STATE_PICTURES
        for generation_id in ids:
            text = known.get(generation_id)
            if text is None:
                try:
                    _, generation = await self._archive.generation(generation_id)
                except NotFound:
                    continue
                data = await self._archive.miniature(generation)
                text = "" if data is None else base64.b64encode(data).decode()
            self._minis[generation_id] = text
        found: dict[str, str] = {}
        for generation_id, text in tuple(self._minis.items()):
            if text and len(text) <= room:
                found[generation_id] = text
                room -= len(text)
        return found


@lru_cache(4)
def _packed(models: tuple[ModelSpec, ...]) -> tuple[str, bytes]:
    """Return the digest of the models, and the models as the page gets them.

    The JSON of a hundred models has hundreds of kilobytes and repeats itself: compressed, it has a tenth of
    that size. The digest tells whether a page has the models already.
    """
    text = json.dumps([model_state(spec).wire() for spec in models], separators=(",", ":")).encode()
    return hashlib.sha256(text).hexdigest()[:16], zlib.compress(text)


def _shortened(batch: protocol.BatchState) -> protocol.BatchState:
    params = {
        name: value[:STATE_TEXT] if isinstance(value, str) else value for name, value in batch.params.items()
    }
    generations = [_shortened_generation(generation) for generation in batch.generations]
    return batch.model_copy(
        update={"prompt": batch.prompt[:STATE_TEXT], "params": params, "generations": generations}
    )


def _shortened_generation(generation: protocol.GenerationState) -> protocol.GenerationState:
    changes: dict[str, Any] = {
        "scores": dict(list(generation.scores.items())[:STATE_LABELS]),
        "tags": generation.tags[:STATE_LABELS],
    }
    if generation.error:
        texts = {
            "message": generation.error.message[:STATE_TEXT],
            "next_step": generation.error.next_step[:STATE_TEXT],
        }
        changes["error"] = generation.error.model_copy(update=texts)
    return generation.model_copy(update=changes)
