"""The servers that the user added. They speak OpenAI's protocol, and the user chooses their names."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlsplit

from imgplay_widget._rules.changes import Change, ModelsWritten
from imgplay_widget._studio.offers import usable_key
from imgplay_widget._text import MAX_SHOWN, clean, shown
from imgplay_widget.catalog import server_preset
from imgplay_widget.errors import InvalidRequest, NotFound, StoreError
from imgplay_widget.providers._shared import addresses
from imgplay_widget.providers._shared.environment import bare
from imgplay_widget.providers.openai import OpenAI
from imgplay_widget.providers.servers import known_server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imgplay_widget._engine.archive import Archive
    from imgplay_widget._studio.key_reports import KeyCheck
    from imgplay_widget._studio.offers import Offers
    from imgplay_widget.catalog import ServerPreset
    from imgplay_widget.providers.keys import Keys
    from imgplay_widget.providers.registry import Registry

__all__ = ["SETTING", "Servers"]

logger = logging.getLogger("imgplay_widget")

SETTING = "servers"
"""The setting with the servers: names, addresses, presets, and whether they need a key; never a key."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class _Server(NamedTuple):
    url: str
    keyed: bool
    preset: str = ""


class Servers:
    """The servers of a studio. On the engine's loop, but for `load` and `url`.

    Args:
        archive: the store.
        registry: the providers, to which the servers are added.
        offers: asks the servers for their models, and keeps their keys.
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
        """Add the stored servers, but for those that cannot be read or whose names are taken now."""
        for name, server in _read(stored).items():
            try:
                self._check_name(name)
            except InvalidRequest:
                continue
            self._keys.keep_from_shared(name)
            self._servers[name] = server
            self._registry.add(_provider(name, server))

    def url(self, name: str) -> str | None:
        """Return the address of a server that the user added, or None for another provider."""
        server = self._servers.get(name)
        return server.url if server else None

    def preset(self, name: str) -> str | None:
        """Return the name of the preset of a server that the user added, or None where it has none."""
        server = self._servers.get(name)
        return server.preset or None if server else None

    async def add(
        self,
        name: str,
        url: str,
        key: str | None,
        *,
        remember: bool,
        preset: str = "",
        values: Mapping[str, str] | None = None,
    ) -> KeyCheck:
        """Add a server, or change the address of a server, test the connection, and return the result.

        Args:
            name: 1 to 64 letters, digits, ``-`` and ``_``, and not another provider's name; ""
                takes the name of the preset.
            url: the base address; ``/v1`` is added to an address without a path. Plain http only on this
                machine or network. "" takes that of the preset.
            key: the server's key; None or "" where the server does not need one.
            remember: True puts the key into the system's keyring too.
            preset: the name of a known server, or "".
            values: what fills the blanks in the address of the preset.

        Raises:
            NotFound: there is no such preset.
            InvalidRequest: name, address, key or a blank cannot be used.
        """
        known = server_preset(preset) if preset else None
        if known is None and values:
            raise InvalidRequest(
                f"{shown(next(iter(values)))} belongs to an address of a preset, and no preset was given.",
                parameter="preset",
                next_step="Name a preset, or give the whole address as url. Nothing was stored.",
            )
        if known is None and not name.strip() and not url.strip():
            raise InvalidRequest(
                "A server needs a name and an address, or a preset.",
                parameter="name",
                next_step="Give both, or a preset: server_presets() lists them. Nothing was stored.",
            )
        if known is not None and not url.strip():
            url = known.url(values or {})
        elif values:
            raise InvalidRequest(
                "There is a whole address, and also a part of the address of a preset.",
                parameter="url",
                next_step="Give only one of them. Nothing was stored.",
            )
        name, url, key = name.strip() or preset, _checked(url), usable_key(key)
        self._check_name(name)
        self._keys.keep_from_shared(name)
        before = self._servers.get(name)
        moved = before is not None and before.url != url
        changed = before is not None and before.preset != preset
        wants = known is not None and known.key == "needed"
        server = _Server(url, wants or key is not None, preset)
        if moved:
            # The server is stored first, so that nothing has changed where this fails. The old key belongs to
            # the old address, and must not be sent to the new one.
            await self._save(name, server)
            await self._forget(name)
        if key is None:
            keyed = _provider(name, server._replace(keyed=True))
            await self._offers.find_key(keyed)
            server = server._replace(keyed=wants or self._keys.get(keyed.spec) is not None)
        if not moved:
            await self._save(name, server)
        elif server.keyed and key is None:
            await self._save_keyed(name, server)
        if changed and not moved:
            # The models of the list have the parameters that the server had without this preset.
            await self._offers.forget(name)
        self._take(name, server)
        if key is not None:
            await self._offers.keep_key(name, key, remember=remember)
        check = await self._offers.check(name)
        if not server.keyed and check.outcome in ("bad_key", "missing_key"):
            # The server needs a key after all, so from now on the user is asked for one.
            server = server._replace(keyed=True)
            await self._save_keyed(name, server)
            self._take(name, server)
            check = await self._offers.check(name)
        self._archive.aside(self._offers.refresh_quietly(self._registry.get(name)))
        return check

    async def remove(self, name: str) -> None:
        """Forget a server and its key. Its images stay.

        Raises:
            NotFound: the user did not add such a server.
        """
        if name not in self._servers:
            raise NotFound(
                f"There is no added server {shown(name)}.",
                next_step=f"Use one of {', '.join(self._servers)}."
                if self._servers
                else "No server was added yet.",
            )
        # The removal is stored first, so that nothing has changed where this fails.
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
        """Store a server, or remove the server of this name (None)."""
        # The setting is read again, because another kernel may have added a server.
        servers = _read(await self._archive.setting(SETTING))
        servers.pop(name, None)
        if server is not None:
            servers[name] = server
        await self._archive.save_setting(SETTING, {name: one._asdict() for name, one in servers.items()})

    async def _save_keyed(self, name: str, server: _Server) -> None:
        """Store that a server needs a key. Only log a failure of the store."""
        try:
            await self._save(name, server)
        except StoreError as error:
            # The server is added and works here. The next kernel finds out by itself that it needs a key.
            logger.warning("It could not be stored that %s needs a key: %s", name, error.message)

    def _check_name(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise InvalidRequest(
                f"A server cannot have the name {shown(name)}.",
                parameter="name",
                next_step="Use 1 to 64 letters, digits, - and _.",
            )
        variables = _provider(name, _Server("https://example.com", keyed=True)).spec.key_variables
        for provider in self._registry.providers():
            spec = provider.spec
            if spec.name in self._servers:
                # Users would mistake names that only differ in case for each other.
                taken = spec.name != name and spec.name.casefold() == name.casefold()
            else:
                # A server must not get the key of another provider by its name.
                taken = spec.name.casefold() == name.casefold() or bool({*variables} & {*spec.key_variables})
            if taken:
                raise InvalidRequest(
                    f"The name {shown(name)} belongs to {spec.title}.",
                    parameter="name",
                    next_step="Choose another name.",
                )


def _provider(name: str, server: _Server) -> OpenAI:
    preset = _preset(server.preset)
    if preset is not None:
        return known_server(preset, server.url, name=name, keyed=server.keyed)
    # Each server has a variable for its own key. A server without a key has no variable.
    variables = (f"{re.sub('[^A-Z0-9]', '_', name.upper())}_API_KEY",) if server.keyed else ()
    return OpenAI(server.url, name=name, key_variables=variables)


def _preset(name: str) -> ServerPreset | None:
    try:
        return server_preset(name) if name else None
    except NotFound:
        # A newer version knew the preset, or an older one. The server still speaks OpenAI's protocol.
        return None


def _checked(url: str) -> str:
    """Return an address in the form that is stored, or refuse it."""
    url = bare(url).rstrip("/")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or re.search(r"\s", url):
        raise InvalidRequest(
            "This is not the address of a server.",
            parameter="url",
            next_step="Give an address such as http://localhost:8080/v1.",
        )
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise InvalidRequest(
            "The address of a server must not have a user name, a password, ? or #.",
            parameter="url",
            next_step="Give the key as the key of the server, which is kept apart from the address.",
        )
    if parts.scheme == "http" and "." in host and not addresses.is_local(url):
        raise InvalidRequest(
            f"{clean(host, MAX_SHOWN)} is not on this machine or network."
            " Over http, others could read prompts and key.",
            parameter="url",
            next_step="Use the https address of the server.",
        )
    return url if parts.path else f"{url}/v1"


def _read(stored: Any) -> dict[str, _Server]:
    found: dict[str, _Server] = {}
    if isinstance(stored, dict):
        for name, value in cast("dict[Any, Any]", stored).items():
            if isinstance(name, str) and isinstance(value, dict):
                one = cast("dict[str, Any]", value)
                if isinstance(one.get("url"), str):
                    preset = one.get("preset")
                    preset = preset if isinstance(preset, str) else ""
                    found[name] = _Server(one["url"], bool(one.get("keyed")), preset)
    return found
