"""The models that providers offer now, and the keys of the providers.

An `Offers` lives on the engine's loop. It asks providers for their models and stores the answers. It tests
keys, and looks for keys in slow sources such as a keyring. Only a call that asks for this waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from imgplay_widget import catalog
from imgplay_widget._rules.changes import Change, ModelsWritten, NoticeGiven
from imgplay_widget._studio.key_reports import KeyCheck, KeyKept
from imgplay_widget._text import MAX_NAME, clean
from imgplay_widget._types import Notice
from imgplay_widget.errors import (
    BadKey,
    BadResponse,
    DeadlineExceeded,
    ImgplayError,
    InvalidRequest,
    MissingKey,
    NetworkError,
    NetworkSetting,
    ProviderError,
    StoreError,
)
from imgplay_widget.providers._shared.environment import bare
from imgplay_widget.providers.base import Provider
from imgplay_widget.providers.http import missing_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imgplay_widget._clock import Clock
    from imgplay_widget._engine.archive import Archive
    from imgplay_widget._engine.clients import Clients
    from imgplay_widget._types import ModelSpec, ProviderSpec
    from imgplay_widget.providers.keys import Keys
    from imgplay_widget.providers.registry import Registry

__all__ = ["DESCRIBED", "DISCOVERY", "Offers", "Unanswered", "usable_key"]

logger = logging.getLogger("imgplay_widget")

DISCOVERY = "discovery:"
"""The prefix of the settings that keep the lists of the providers; the provider's name follows."""

DESCRIBED = "described:"
"""The prefix of the settings that keep what the providers said about single models."""

MOST_DESCRIBED = 200
"""The most single models of a provider that are kept; the oldest go first."""

STALE = timedelta(hours=24)
"""The age at which a list is asked for again when a page opens."""

TRY_AGAIN = 900.0
"""Seconds after which a provider that did not answer is asked again."""

LOOK_AGAIN = 30.0
"""The fewest seconds between two searches for keys in slow sources."""

ASK_WAIT, CHECK_WAIT = 90.0, 30.0
"""The most seconds for the list of a provider, which may have many pages, and for a connection test."""

DESCRIBE_WAIT, DESCRIBE_AGAIN = 10.0, 30.0
"""The most seconds for the question about a single model, for which a request waits, and the seconds after
which a provider that did not answer is asked again."""

LONGEST_KEY = 4096
"""The most characters of a key."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The last question for a list of models, where it failed. The list before it stays.

    Attributes:
        at: the time of the question (aware UTC).
        message: what went wrong, in one sentence or two.
    """

    at: datetime
    message: str


class Offers:
    """The models of the providers as they are now, and their keys. On the engine's loop, but for `load`.

    Args:
        archive: the store.
        clients: the HTTP clients of the providers, and the search for keys.
        registry: the providers, which gets the listed models.
        keys: the keys.
        notify: called with each change.
        clock: the time.
    """

    def __init__(
        self,
        archive: Archive,
        clients: Clients,
        registry: Registry,
        keys: Keys,
        notify: Callable[[Change], None],
        clock: Clock,
    ) -> None:
        self._archive = archive
        self._clients = clients
        self._registry = registry
        self._keys = keys
        self._notify = notify
        self._clock = clock
        self._asked_at: dict[str, datetime] = {}
        self._unanswered: dict[str, Unanswered] = {}
        self._tried: dict[str, float] = {}
        # For single models, by provider and id: when it was told, and when the question failed.
        self._told: dict[str, dict[str, datetime]] = {}
        self._untold: dict[tuple[str, str], float] = {}
        self._questions: dict[tuple[str, str], asyncio.Lock] = {}
        self._looked: float | None = None

    # -------------------------------------------------------------- models

    def load(self, stored: Mapping[str, Any]) -> None:
        """Add the lists of models from the stored settings. A list that cannot be read is ignored."""
        for setting, value in stored.items():
            name = setting.removeprefix(DISCOVERY)
            try:
                at = datetime.fromisoformat(value["at"])
                listed = [catalog.from_json(item, name) for item in value["models"]]
            except (TypeError, ValueError, KeyError):
                continue
            if at.tzinfo is not None:
                self._asked_at[name] = at
                self._registry.found(name, [spec for spec in listed if spec is not None])

    def asked_at(self, name: str) -> datetime | None:
        """Return the time at which a provider listed its models (aware UTC), or None."""
        return self._asked_at.get(name)

    def runs(self, name: str) -> bool:
        """Return whether a provider is known to be there. A local server that never answered may not be."""
        provider = self._registry.get(name)
        return not (provider.spec.local and _has_list(provider)) or self.asked_at(name) is not None

    def unanswered(self, name: str) -> Unanswered | None:
        """Return the last question for a provider's models where it failed, or None where it did not."""
        return self._unanswered.get(name)

    def ages(self, spec: ProviderSpec) -> list[str]:
        """Return sentences about the age of a provider's list, and about why there is not a newer one."""
        at, failed = self._asked_at.get(spec.name), self._unanswered.get(spec.name)
        said: list[str] = []
        if at is not None:
            said.append(f"{spec.title} was asked for its models on {_moment(at)}.")
        if failed is not None:
            asked = "It was asked again" if said else f"{spec.title} was asked for its models"
            said.append(f"{asked} on {_moment(failed.at)}, without a list: {failed.message}")
        return [" ".join(said)] if said else []

    async def refresh(self, name: str) -> None:
        """Ask a provider for its models and store the answer. Providers without such a list are not asked.

        Where the question fails, the last list stays, and `unanswered` tells the reason.

        Raises:
            NotFound: there is no such provider.
            ProviderError: the provider could not be asked.
        """
        provider = self._registry.get(name)
        await self.find_key(provider)
        self._tried[name] = self._clock.monotonic()
        try:
            specs = await self._discover(provider)
        except MissingKey:
            # The provider was not asked. The page tells that the key is missing.
            raise
        except ImgplayError as error:
            self._missed(name, error)
            raise
        self._unanswered.pop(name, None)
        if specs is None:
            return
        at = self._clock.now()
        stored = [catalog.to_json(spec) for spec in specs]
        await self._archive.save_setting(DISCOVERY + name, {"at": at.isoformat(), "models": stored})
        self._asked_at[name] = at
        self._registry.found(name, specs)
        self._notify(ModelsWritten())

    def _missed(self, name: str, error: ImgplayError) -> None:
        """Keep why a list did not come. That a local server does not run, which never did, is no news."""
        if name not in self._asked_at and isinstance(error, (NetworkError, NetworkSetting)):
            return
        self._unanswered[name] = Unanswered(self._clock.now(), clean(error.message, MAX_NAME))
        self._notify(ModelsWritten())

    async def refresh_all(self) -> None:
        """Ask all providers that have a list and a key. Turn errors into notices."""
        await self._clients.look_for_keys([provider.spec for provider in self._registry.providers()])
        ready = [
            provider
            for provider in self._registry.providers()
            if _has_list(provider) and self._keys.state(provider.spec) != "missing"
        ]
        await asyncio.gather(*(self.refresh_quietly(provider) for provider in ready))

    async def _discover(self, provider: Provider) -> tuple[ModelSpec, ...] | None:
        name = provider.spec.name
        http = self._clients.http(provider)
        try:
            async with asyncio.timeout(ASK_WAIT):
                found = await provider.discover(http)
            if found is None:
                return None
            day = self._clock.now().date().isoformat()
            return await self._archive.in_pool(partial(catalog.checked, found, name, http.hide, day=day))
        except TimeoutError:
            raise DeadlineExceeded(
                f"{provider.spec.title} did not list its models in {ASK_WAIT:g} s.", provider=name
            ) from None
        except ImgplayError:
            raise
        except Exception as error:  # noqa: BLE001 - see below
            # A plug-in reads data of a server here, and may fail in any way.
            what = http.redact(f"{type(error).__name__}: {error}")[:200]
            raise BadResponse(
                f"The list of models of {provider.spec.title} is not understood ({what}).",
                provider=name,
            ) from None

    # -------------------------------------------------------------- single models

    def load_described(self, stored: Mapping[str, Any]) -> None:
        """Add the single models of the stored settings. What cannot be read is ignored."""
        for setting, value in stored.items():
            name = setting.removeprefix(DESCRIBED)
            listed = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
            for model, kept in listed.items():
                try:
                    at, spec = datetime.fromisoformat(kept["at"]), catalog.from_json(kept["model"], name)
                except (TypeError, ValueError, KeyError):
                    continue
                if at.tzinfo is not None and spec is not None:
                    self._told.setdefault(name, {})[model] = at
                    self._registry.described(name, model, spec)

    def is_unknown(self, name: str) -> bool:
        """Return whether only the id of a model is known, so that its provider should be asked.

        Any thread may ask.
        """
        found = self._registry.unlisted(name)
        return found is not None and self._should_ask(found[0].spec.name, found[1])

    def _should_ask(self, name: str, id: str) -> bool:
        at, failed = self._told.get(name, {}).get(id), self._untold.get((name, id))
        if failed is not None and self._clock.monotonic() - failed < DESCRIBE_AGAIN:
            return False
        return at is None or self._clock.now() - at >= STALE

    async def describe(self, name: str) -> None:
        """Ask a provider what a model takes of which only the id is known, and keep the answer.

        A question that fails leaves the model usable, with what is known of it, and the model says so.

        Args:
            name: ``"provider:model"``. Any other name is left alone.
        """
        found = self._registry.unlisted(name)
        if found is None:
            return
        provider, model = found
        async with self._questions.setdefault((provider.spec.name, model), asyncio.Lock()):
            # Another request may have asked meanwhile.
            if self._should_ask(provider.spec.name, model):
                await self._describe(provider, model)

    async def _describe(self, provider: Provider, id: str) -> None:
        name = provider.spec.name
        try:
            await self.find_key(provider)
            spec = await self._asked_for(provider, id)
        except ImgplayError as error:
            logger.info("%s was not asked for %s: %s", provider.spec.title, id, error.message)
            self._untold[name, id] = self._clock.monotonic()
            if id not in self._told.get(name, {}):
                why = f"{provider.spec.title} could not be asked. {error.message}"
                self._guess(provider, id, why)
            return
        self._untold.pop((name, id), None)
        at = self._clock.now()
        if spec is None:
            self._untold[name, id] = self._clock.monotonic()
            self._guess(provider, id, f"{provider.spec.title} does not list it.")
            return
        self._registry.described(name, id, spec)
        self._told.setdefault(name, {})[id] = at
        self._notify(ModelsWritten())
        await self._keep_described(name)

    async def _asked_for(self, provider: Provider, id: str) -> ModelSpec | None:
        name, title = provider.spec.name, provider.spec.title
        http = self._clients.http(provider)
        try:
            async with self._clock.timeout(DESCRIBE_WAIT):
                spec = await provider.describe(id, http)
            if spec is None:
                return None
            found = await self._archive.in_pool(catalog.checked, (spec,), name, http.hide)
            return found[0] if found else None
        except TimeoutError:
            raise DeadlineExceeded(f"It did not answer in {DESCRIBE_WAIT:g} s.", provider=name) from None
        except ImgplayError:
            raise
        except Exception as error:  # noqa: BLE001 - as for lists
            what = http.redact(f"{type(error).__name__}: {error}")[:200]
            raise BadResponse(f"The answer of {title} is not understood ({what}).", provider=name) from None

    def _guess(self, provider: Provider, id: str, why: str) -> None:
        """Let a model be used by its id alone, and say why nothing else is known of it."""
        general = provider.model(id)
        if general is not None:
            notice = f"The parameters of this model are not known: {why} Those below may be wrong."
            if not general.parameters:
                notice = f"The parameters of this model are not known: {why} It gets the prompt alone."
            self._registry.described(provider.spec.name, id, replace(general, notice=notice))
            self._notify(ModelsWritten())

    async def _keep_described(self, name: str) -> None:
        told = sorted(self._told[name].items(), key=lambda item: item[1])[-MOST_DESCRIBED:]
        kept = {
            model: {"at": at.isoformat(), "model": catalog.to_json(self._registry.find(f"{name}:{model}")[1])}
            for model, at in told
        }
        try:
            await self._archive.save_setting(DESCRIBED + name, kept)
        except StoreError as error:
            # It is known as long as this studio lives, and the next one asks again.
            logger.warning("What %s takes could not be stored: %s", name, error.message)

    async def freshen(self) -> None:
        """Look for keys in slow sources, and ask for lists that are old. A page calls this when it opens."""
        now = self._clock.monotonic()
        if self._looked is None or now - self._looked >= LOOK_AGAIN:
            self._looked = now
            specs = [provider.spec for provider in self._registry.providers()]
            if await self._clients.look_for_keys(specs):
                self._notify(ModelsWritten())
        for provider in self._registry.providers():
            if self._is_stale(provider):
                self._tried[provider.spec.name] = self._clock.monotonic()
                self._archive.aside(self.refresh_quietly(provider))

    def _is_stale(self, provider: Provider) -> bool:
        name = provider.spec.name
        at, tried = self._asked_at.get(name), self._tried.get(name)
        return (
            _has_list(provider)
            and bool(provider.origin())
            and self._keys.state(provider.spec) != "missing"
            and (at is None or self._clock.now() - at >= STALE)
            and (tried is None or self._clock.monotonic() - tried >= TRY_AGAIN)
        )

    async def refresh_quietly(self, provider: Provider) -> None:
        """Ask a provider for its models as `refresh` does. Turn an error into a notice or a log line."""
        try:
            await self.refresh(provider.spec.name)
        except (MissingKey, NetworkError, NetworkSetting) as error:
            # There is no network, or a local server does not run. The last list stays, and its age is shown.
            logger.info("%s was not asked for its models: %s", provider.spec.title, error.message)
        except ImgplayError as error:
            message = f"{provider.spec.title} could not be asked for its models. {error.message}"
            self._notify(NoticeGiven(notice=Notice(kind="other", message=message)))

    async def forget(self, name: str) -> None:
        """Forget the list of a provider."""
        self._asked_at.pop(name, None)
        self._unanswered.pop(name, None)
        self._tried.pop(name, None)
        self._registry.found(name, ())
        try:
            await self._archive.save_setting(DISCOVERY + name, None)
        except StoreError as error:
            # The next list replaces it, and until then its age is shown.
            logger.warning("An old list of models could not be removed: %s", error.message)

    # -------------------------------------------------------------- keys

    async def find_key(self, provider: Provider) -> None:
        """Look for a provider's key in slow sources too, if the key is missing."""
        if self._keys.state(provider.spec) == "missing":
            await self._clients.look_for_keys([provider.spec])

    async def keep_key(self, name: str, key: str | None, *, remember: bool) -> KeyKept:
        """Set a provider's key, or forget it (None or ""), and return where the key is.

        Args:
            name: the provider's name.
            key: the key.
            remember: True puts the key into the system's keyring too, or takes it out of there.

        Raises:
            NotFound: there is no such provider.
            InvalidRequest: the text cannot be a key.
        """
        spec = self._registry.get(name).spec
        key = usable_key(key)
        kept = False
        if remember:
            kept = await self._clients.keep_key(name, key)
        else:
            self._keys.set(name, key)
        # Another key may bring another list, and answers to what was refused.
        self._tried.pop(name, None)
        self._unanswered.pop(name, None)
        self._untold = {asked: at for asked, at in self._untold.items() if asked[0] != name}
        self._notify(ModelsWritten())
        if key is None:
            return KeyKept(name, "nowhere", _forgotten(spec, self._keys.source(spec), remember and kept))
        return KeyKept(name, "keyring" if kept else "memory", _kept(spec, kept, remember))

    async def check(self, name: str) -> KeyCheck:
        """Test the key of a provider and the network by a call that costs nothing.

        Raises:
            NotFound: there is no such provider.
        """
        provider = self._registry.get(name)
        spec = provider.spec
        await self.find_key(provider)
        if self._keys.state(spec) == "missing":
            return KeyCheck(name, "missing_key", str(missing_key(spec)))
        if not provider.origin():
            return KeyCheck(name, "good", f"{spec.title} needs neither a key nor a network.")
        own = type(provider).check is not Provider.check
        if not own and not _has_list(provider):
            return KeyCheck(
                name,
                "unknown",
                f"{spec.title} has no free call that tests a key. The next image shows if the key is good.",
            )
        refused = await self._try(provider)
        if refused is not None:
            return refused
        if not spec.key_variables:
            return KeyCheck(name, "good", f"{spec.title} answers.")
        if own:
            source = self._keys.source(spec)
            return KeyCheck(name, "good", f"{spec.title} answers and accepts the key ({source}).")
        return KeyCheck(
            name,
            "reached",
            f"{spec.title} answers and did not refuse the key. The next image shows if the key is good.",
        )

    async def _try(self, provider: Provider) -> KeyCheck | None:
        """Call the provider's check, and return the failure, or None."""
        name, title = provider.spec.name, provider.spec.title
        http = self._clients.http(provider)
        try:
            async with asyncio.timeout(CHECK_WAIT):
                await provider.check(http)
        except MissingKey as error:
            return KeyCheck(name, "missing_key", str(error))
        except BadKey as error:
            return KeyCheck(name, "bad_key", f"{title} refused the key: {error}")
        except (NetworkError, NetworkSetting) as error:
            return KeyCheck(name, "no_network", f"{title} cannot be reached: {error}")
        except TimeoutError:
            return KeyCheck(name, "no_network", f"{title} did not answer in {CHECK_WAIT:g} s.")
        except ProviderError as error:
            return KeyCheck(name, "other", f"{title} answers with an error: {error}")
        except Exception as error:  # noqa: BLE001 - a plug-in may fail in any way
            what = http.redact(f"{type(error).__name__}: {error}")[:200]
            logger.warning("The check of %s failed: %s", name, what)
            return KeyCheck(name, "other", f"The answer of {title} is not understood ({what}).")
        return None


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d at %H:%M} UTC"


def _has_list(provider: Provider) -> bool:
    return type(provider).discover is not Provider.discover


def usable_key(key: str | None) -> str | None:
    """Return a key without the spaces and quotes around it, or None for an empty text.

    Raises:
        InvalidRequest: the text cannot be a key.
    """
    key = bare(key or "")
    if len(key) > LONGEST_KEY or not key.isascii() or any(not "!" <= c <= "~" for c in key):
        # An HTTP header cannot have this text. The message must not show it: it may contain the key.
        raise InvalidRequest(
            "This is not a key: it is too long, or has spaces or other characters that keys do not have.",
            parameter="key",
            next_step="Copy the key again, without anything around it.",
        )
    return key or None


def _kept(spec: ProviderSpec, kept: bool, remember: bool) -> str:  # noqa: FBT001 - two facts of a call
    if kept:
        return f"The key of {spec.title} is in the system's keyring, where later studios find it too."
    text = f"The key of {spec.title} is in memory only, and is gone when this Python process ends."
    if remember:
        text += (
            " No system keyring took the key. Install imgplay-widget[keyring] on a machine that has a"
            f" keyring, or set {' or '.join(spec.key_variables[:1]) or 'its environment variable'} before"
            " Python starts."
        )
    return text


def _forgotten(spec: ProviderSpec, source: str, kept: bool) -> str:  # noqa: FBT001 - as above
    text = f"The key of {spec.title} is forgotten" + (" here and in the system's keyring." if kept else ".")
    return f"{text} There is still another one ({source})." if source else text
