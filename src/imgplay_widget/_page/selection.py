"""The images that are selected on a page, which code reads and sets too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget._page import protocol
from imgplay_widget._rules.changes import Change, Removed
from imgplay_widget._studio.handles import Generations

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imgplay_widget._page.calls import Answers, Attachments
    from imgplay_widget._studio.core import Core

__all__ = ["Selection"]


class Selection:
    """The selected images of a playground. They run on the engine's loop.

    The newest change wins, whether code or a browser made it. A browser that opens the page later shows the
    same images as selected.

    Args:
        core: the studio.
        announce: sends an event to the pages of the playground.
        changed: is called after a change that code did not make, with the images that are selected now and
            whether a page selected others than before. Code may have removed selected images.
    """

    def __init__(
        self,
        core: Core,
        announce: Callable[[protocol.SelectionChanged], None],
        changed: Callable[[Generations, bool], None],
    ) -> None:
        self._core = core
        self._announce = announce
        self._changed = changed
        self._chosen = Generations()

    def answers(self) -> Answers:
        """Return the calls that this part answers, each with its answer."""
        return {protocol.Select: self._select}

    @property
    def ids(self) -> list[str]:
        """The ids of the selected images."""
        return [one.id for one in self._chosen]

    def choose(self, images: Generations) -> None:
        """Select images by code, and no others, and let the pages show that."""
        self._chosen = images
        self._announce(protocol.SelectionChanged(generation_ids=self.ids))

    def heed(self, changes: Sequence[Change]) -> None:
        """Unselect the images that are removed. The pages do the same by themselves."""
        for change in changes:
            if isinstance(change, Removed):
                gone = {one for one, _ in change.generations}
                batches = {one for one, _ in change.batches}
                left = [one for one in self._chosen if one.id not in gone and one.batch.id not in batches]
                if len(left) < len(self._chosen):
                    self._chosen = Generations(left)
                    self._changed(self._chosen, change.source is not None)

    async def _select(self, call: protocol.Select, _: Attachments) -> protocol.Empty:
        store = self._core.archive.store
        rows = await self._core.archive.in_store(store.generations_by_id, call.generation_ids)
        before, self._chosen = self.ids, self._core.generation_handles(rows)
        self._changed(self._chosen, self.ids != before)
        return protocol.Empty()
