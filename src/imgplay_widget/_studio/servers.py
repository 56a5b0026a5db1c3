"""Servers that the user added: they speak OpenAI's protocol, under a name of the user's choice."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlsplit

from imgplay_widget._rules.changes import Change, ModelsWritten
from imgplay_widget._studio.offers import usable_key
from imgplay_widget.errors import InvalidRequest, NotFound, StoreError
from imgplay_widget.providers._shared import addresses
from imgplay_widget.providers.openai import OpenAI

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgplay_widget._engine.archive import Archive
    from imgplay_widget._studio.key_reports import KeyCheck
    from imgplay_widget._studio.offers import Offers
    from imgplay_widget.providers.keys import Keys
    from imgplay_widget.providers.registry import Registry

__all__ = ["SETTING", "Servers"]

logger = logging.getLogger("imgplay_widget")

SETTING = "servers"
"""Under which setting the store keeps them: name, address, and whether they want a key; never a key."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class _Server(NamedTuple):
    url: str
    keyed: bool


class Servers:
    """The servers of a studio. On the engine's loop, but for `load` and `url`.

    Args:
        archive: the store.
        registry: takes them in.
        offers: asks them for their models, and keeps their keys.
        keys: the keys.
        notify: called with each change.
    """

    def __init__(
        self,
        archive: Archive,
        registry: Registry,
        offers: Offers,
        keys: Keys,
        notify: Callable[[Change], None],
    ) -> None:
        self._archive = archive
        self._registry = registry
        self._offers = offers
        self._keys = keys
        self._notify = notify
        self._servers: dict[str, _Server] = {}

    def load(self, stored: Any) -> None:
        """Takes in what the store kept; what cannot be read, or has become another's name, is left out."""
        for name, server in _read(stored).items():
            try:
                self._check_name(name)
            except InvalidRequest:
                continue
            self._servers[name] = server
            self._registry.add(_provider(name, server))

    def url(self, name: str) -> str | None:
        """Gives the address of a server that the user added, or None for any other provider."""
        server = self._servers.get(name)
        return server.url if server else None

    async def add(self, name: str, url: str, key: str | None, *, remember: bool) -> KeyCheck:
        """Adds a server, or gives one another address, and tests the connection.

        Args:
            name: 1 to 64 letters, digits, ``-`` and ``_``; no other provider's.
            url: its base address; where it has no path, ``/v1`` is meant. Plain http only on this machine
                or network.
            key: its key; None or "" where it needs none.
            remember: True puts the key into the system's keyring.

        Raises:
            InvalidRequest: name, address or key cannot be one.
        """
        name, url, key = name.strip(), _checked(url), usable_key(key)
        self._check_name(name)
        before = self._servers.get(name)
        moved = before is not None and before.url != url
        server = _Server(url, keyed=key is not None)
        if moved:
            # Stored first: where that fails, nothing has changed. Its key was given for the other address,
            # and goes nowhere else.
            await self._save(name, server)
            await self._forget(name)
        if key is None:
            keyed = _provider(name, _Server(url, keyed=True))
            await self._offers.find_key(keyed)
            server = _Server(url, keyed=self._keys.get(keyed.spec) is not None)
        if not moved:
            await self._save(name, server)
        elif server.keyed and key is None:
            await self._save_keyed(name, server)
        self._take(name, server)
        if key is not None:
            await self._offers.keep_key(name, key, remember=remember)
        check = await self._offers.check(name)
        if not server.keyed and check.outcome == "bad_key":
            # It wants one after all; from now on it is asked for.
            server = _Server(url, keyed=True)
            await self._save_keyed(name, server)
            self._take(name, server)
            check = await self._offers.check(name)
        self._archive.aside(self._offers.refresh_quietly(self._registry.get(name)))
        return check

    async def remove(self, name: str) -> None:
        """Forgets a server and its key. What it made stays.

        Raises:
            NotFound: the user added no such server.
        """
        if name not in self._servers:
            raise NotFound(
                f"No server {name!r} was added.",
                next_step=f"There are {', '.join(self._servers)}." if self._servers else "There is none.",
            )
        # Stored first: where that fails, nothing has changed.
        await self._save(name, None)
        await self._forget(name)
        del self._servers[name]
        self._registry.remove(name)
        self._notify(ModelsWritten())

    def _take(self, name: str, server: _Server) -> None:
        self._servers[name] = server
        self._registry.add(_provider(name, server))
        self._notify(ModelsWritten())

    async def _forget(self, name: str) -> None:
        await self._offers.keep_key(name, None, remember=True)
        await self._offers.forget(name)

    async def _save(self, name: str, server: _Server | None) -> None:
        """Stores a server, or that there is none of that name."""
        # Read again: another kernel may have added one meanwhile.
        servers = _read(await self._archive.setting(SETTING))
        servers.pop(name, None)
        if server is not None:
            servers[name] = server
        await self._archive.save_setting(SETTING, {name: one._asdict() for name, one in servers.items()})

    async def _save_keyed(self, name: str, server: _Server) -> None:
        """Stores of a server that is stored that it wants a key, where that can be done now."""
        try:
            await self._save(name, server)
        except StoreError as error:
            # It is added, and works here; the next kernel finds out by itself.
            logger.warning("That %s wants a key could not be stored: %s", name, error.message)

    def _check_name(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise InvalidRequest(
                f"The name {name!r} cannot be a server's.",
                parameter="name",
                next_step="Take 1 to 64 letters, digits, - and _.",
            )
        variables = _provider(name, _Server("https://example.com", keyed=True)).spec.key_variables
        for provider in self._registry.providers():
            spec = provider.spec
            if spec.name in self._servers:
                # Names that differ in case alone would be mistaken for one another.
                taken = spec.name != name and spec.name.casefold() == name.casefold()
            else:
                # A name must not draw another provider's key to a server.
                taken = spec.name.casefold() == name.casefold() or bool({*variables} & {*spec.key_variables})
            if taken:
                raise InvalidRequest(
                    f"The name {name!r} belongs to {spec.title}.",
                    parameter="name",
                    next_step="Choose another name.",
                )


def _provider(name: str, server: _Server) -> OpenAI:
    # Its own variable, in the way of every OpenAI server; none where it wants no key.
    variables = (f"{re.sub('[^A-Z0-9]', '_', name.upper())}_API_KEY",) if server.keyed else ()
    return OpenAI(server.url, name=name, key_variables=variables)


def _checked(url: str) -> str:
    """The address as it is kept, without what does not belong to it."""
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or re.search(r"\s", url):
        raise InvalidRequest(
            "This is no address of a server.",
            parameter="url",
            next_step="Give one like http://localhost:8080/v1.",
        )
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise InvalidRequest(
            "The address of a server holds no user name, password, ? or #.",
            parameter="url",
            next_step="Give the key beside it, which is kept apart.",
        )
    if parts.scheme == "http" and "." in host and not addresses.is_local(url):
        raise InvalidRequest(
            f"{host} is not on this machine or network; over http, prompts and key could be read on the way.",
            parameter="url",
            next_step="Use its https address.",
        )
    return url if parts.path else f"{url}/v1"


def _read(stored: Any) -> dict[str, _Server]:
    found: dict[str, _Server] = {}
    if isinstance(stored, dict):
        for name, value in cast("dict[Any, Any]", stored).items():
            if isinstance(name, str) and isinstance(value, dict):
                one = cast("dict[str, Any]", value)
                if isinstance(one.get("url"), str):
                    found[name] = _Server(one["url"], keyed=bool(one.get("keyed")))
    return found
