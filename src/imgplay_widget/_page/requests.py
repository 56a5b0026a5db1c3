"""The answers to calls that generate, cancel and retry, or that save the panel and the prompt box."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from imgplay_widget._ids import new_id
from imgplay_widget._page import protocol
from imgplay_widget._page.states import batch_state, topic_state
from imgplay_widget.errors import ImgplayError, StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgplay_widget._page.calls import Answers, Attachments
    from imgplay_widget._studio.core import Core
    from imgplay_widget._studio.prepare import Prepared

__all__ = ["Requests", "WishRefusedError"]

logger = logging.getLogger("imgplay_widget")


class WishRefusedError(Exception):
    """The error that a request of a click was refused.

    Attributes:
        error: the reason of the refusal.
        index: the index of the request in the click, from 0.
    """

    def __init__(self, error: ImgplayError, index: int) -> None:
        super().__init__(error.message)
        self.error = error
        self.index = index


class Requests:
    """The answers to a page that generates, cancels, retries, and saves its panel and its draft.

    They run on the engine's loop.

    Args:
        core: the studio.
        source: the id of the page (see `SettingWritten`).
    """

    def __init__(self, core: Core, source: str) -> None:
        self._core = core
        self._source = source

    def answers(self) -> Answers:
        """Return the calls that this part answers, each with its answer."""
        return {
            protocol.Generate: self._generate,
            protocol.FollowUp: self._follow_up,
            protocol.CancelBatches: self._cancel,
            protocol.CancelSweep: self._cancel_sweep,
            protocol.Retry: self._retry,
            protocol.SaveDraft: self._save_draft,
            protocol.Configure: self._configure,
        }

    async def _generate(self, call: protocol.Generate, _: Attachments) -> protocol.Generated:
        click_id = new_id() if len(call.wishes) > 1 else None
        topic_id = call.topic_id
        prepared: list[Prepared] = []
        # All requests of the click are checked first, because either all of them are stored or none.
        for index, wish in enumerate(call.wishes):
            try:
                one = await self._prepare(wish, n=call.n, topic_id=topic_id, click_id=click_id)
            except ImgplayError as error:
                raise WishRefusedError(error, index) from error
            prepared.append(one)
            topic_id = one.entry.batch.topic_id
        return await self._begin(prepared, confirm=call.confirm, select=True)

    async def _follow_up(self, call: protocol.FollowUp, _: Attachments) -> protocol.Generated:
        wanted = await self._core.wanted(
            call.generation_id, call.action, model=call.model, prompt=None, params=call.params
        )
        await self._core.offers.find_key(self._core.registry.find(wanted.model)[0])
        checked = self._core.check(
            wanted.prompt,
            model=wanted.model,
            n=1,
            references=[wanted.reference],
            params=wanted.params,
            action=call.action,
        )
        prepared = self._core.prepare(checked, topic_id=wanted.topic_id)
        # The image may be in another topic than the one that is shown, which stays.
        return await self._begin([prepared], confirm=call.confirm, select=False)

    async def _begin(
        self, prepared: Sequence[Prepared], *, confirm: bool, select: bool
    ) -> protocol.Generated:
        """Store and start the requests of a click, and return them as they are then."""
        topic = await self._core.add(prepared, select=select, confirm=confirm, source=self._source)
        entries = [one.entry for one in prepared]
        try:
            ids = [entry.batch.id for entry in entries]
            entries, topic = await self._core.archive.entries_in_topic(ids)
        except StoreError as error:
            # The batches are stored and run already. After an error, the user would send and pay them again.
            logger.warning("The state of new batches could not be read: %s", error.message)
        title, usual = self._core.files.model_title, self._core.usual
        batches = [batch_state(entry, title(entry.batch), usual(entry.batch)) for entry in entries]
        return protocol.Generated(topic=topic_state(topic), batches=batches)

    async def _prepare(
        self, wish: protocol.Wish, *, n: int, topic_id: str | None, click_id: str | None
    ) -> Prepared:
        await self._core.offers.describe(wish.model)
        await self._core.offers.find_key(self._core.registry.find(wish.model)[0])
        references = self._core.references
        checked = self._core.check(
            wish.prompt,
            model=wish.model,
            n=n,
            references=[await references.find(digest) for digest in wish.references],
            mask=None if wish.mask is None else await references.find(wish.mask, "mask"),
            params=wish.params,
            action=wish.action,
        )
        return self._core.prepare(checked, topic_id=topic_id, click_id=click_id)

    async def _cancel(self, call: protocol.CancelBatches, _: Attachments) -> protocol.Empty:
        await self._core.engine.cancel(call.batch_ids, call.generation_id)
        return protocol.Empty()

    async def _cancel_sweep(self, call: protocol.CancelSweep, _: Attachments) -> protocol.Empty:
        await self._core.sweeps.cancel(call.sweep_id)
        return protocol.Empty()

    async def _retry(self, call: protocol.Retry, _: Attachments) -> protocol.Empty:
        await self._core.engine.retry(call.batch_id, call.generation_id, confirm=call.confirm)
        return protocol.Empty()

    async def _save_draft(self, call: protocol.SaveDraft, _: Attachments) -> protocol.Empty:
        await self._core.drafts.save(
            call.topic_id,
            prompt=call.prompt,
            references=call.references,
            mask=call.mask,
            source=self._source,
        )
        return protocol.Empty()

    async def _configure(self, call: protocol.Configure, _: Attachments) -> protocol.Empty:
        await self._core.panel.save_config(call.config.model_dump(mode="json"), source=self._source)
        return protocol.Empty()
