"""What the page asks about finished images: recipes and code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget import _protocol as protocol
from imgplay_widget._states import recipe_state

if TYPE_CHECKING:
    from imgplay_widget._studio import Studio

__all__ = ["Archives"]


class Archives:
    """Answers one page's calls. On the engine's loop.

    Args:
        studio: whose images they are.
    """

    calls = (protocol.Recipe, protocol.Code)

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._engine = studio.engine

    async def answer(self, call: protocol.Recipe | protocol.Code, buffers: list[bytes]) -> protocol.Result:
        """Answers a call.

        Raises:
            NotFound: there is no such image or batch.
        """
        match call:
            case protocol.Recipe():
                entry, generation = await self._engine.generation(call.generation_id)
                found = self._studio.recipe(entry, generation)
                return protocol.RecipeResult(recipe=recipe_state(found))
            case protocol.Code():
                entry = await self._engine.entry(call.batch_id)
                return protocol.CodeText(text=self._studio.code(entry))
