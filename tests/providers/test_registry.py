"""The providers of a registry, and the sources of their keys."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from imgplay_widget._types import ModelSpec, Parameter, ProviderSpec
from imgplay_widget.errors import InvalidRequest, NotFound
from imgplay_widget.providers import Keys, Provider, Registry, register
from imgplay_widget.providers.registry import BUILT_IN, GROUP

NAMES = sorted(BUILT_IN, key=lambda name: (name != "demo", name))
CONTRACT = Path(__file__).parent / "contract"


class Noise(Provider):
    """A third-party provider."""

    def __init__(self, name: str = "noise", *ids: str) -> None:
        self.spec = ProviderSpec(name=name, title=name.title())
        self._ids = ids or ("gray",)

    def models(self) -> Sequence[ModelSpec]:
        return [ModelSpec(provider=self.spec.name, id=name, title=name) for name in self._ids]


class Silent(Noise):
    def models(self) -> Sequence[ModelSpec]:
        raise RuntimeError("no list today")


def broken() -> Provider:
    raise RuntimeError("it does not start")


def entry(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, f"tests.providers.test_registry:{value}", GROUP)


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgplay_widget.providers.registry._registered", {})


def test_the_built_in_providers_need_no_entry_points() -> None:
    for registry in (Registry(), Registry(entries=[])):
        assert [provider.spec.name for provider in registry.providers()] == NAMES
        assert registry.find("demo:instant")[1].name == "demo:instant"
        assert registry.notices == ()


def test_every_built_in_provider_that_speaks_http_passes_the_contract() -> None:
    offline = {"demo", "diffusers"}
    suites = {path.stem.removeprefix("test_contract_") for path in CONTRACT.glob("test_contract_*.py")}
    assert suites == BUILT_IN.keys() - offline


def test_the_registry_imports_no_provider_before_it_is_asked_for() -> None:
    code = (
        "import sys; from imgplay_widget.providers import Registry; from imgplay_widget.providers.registry "
        "import BUILT_IN; Registry(); print([m for m in BUILT_IN.values() if m.split(':')[0] in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_third_parties_come_through_entry_points() -> None:
    registry = Registry(entries=[entry("noise", "Noise")])
    assert registry.get("noise").spec.title == "Noise"
    assert registry.get("noise") is registry.get("noise")
    assert "noise:gray" in [spec.name for spec in registry.models()]


@pytest.mark.parametrize("value", ["broken", "absent", "GROUP", "ProviderSpec"])
def test_a_broken_third_party_is_a_notice(value: str) -> None:
    registry = Registry(entries=[entry("bad", value)])
    assert [provider.spec.name for provider in registry.providers()] == NAMES
    (notice,) = registry.notices
    assert "'bad'" in notice.message
    with pytest.raises(NotFound):
        registry.get("bad")


def test_a_provider_that_cannot_list_its_models_is_a_notice() -> None:
    registry = Registry([Silent("silent")], entries=[])
    assert registry.models()
    assert registry.models()
    (notice,) = registry.notices
    assert "no list today" in notice.message


def test_a_parameter_that_the_page_does_not_know_is_left_out_with_a_notice() -> None:
    odd = Parameter(name="w", type="integer", kind="widht", title="W")  # type: ignore[arg-type]
    fine = Parameter(name="style", type="string", title="Style")
    noise = Noise("odd")
    noise.models = lambda: [ModelSpec(provider="odd", id="x", title="X", parameters=(odd, fine))]  # type: ignore[method-assign]
    registry = Registry([noise], entries=[])
    assert registry.find("odd:x")[1].parameters == (fine,)
    (notice,) = registry.notices
    assert "odd:x" in notice.message
    assert "Did you mean 'width'?" in notice.message


def test_a_package_cannot_take_a_built_in_name() -> None:
    registry = Registry(entries=[entry("openai", "Noise")])
    assert type(registry.get("openai")).__name__ == "OpenAI"
    (notice,) = registry.notices
    assert "tests.providers.test_registry:Noise" in notice.message
    assert "'openai'" in notice.message
    assert "providers=[…]" in notice.message


def test_of_two_packages_with_one_name_the_second_is_left_out_with_a_notice() -> None:
    registry = Registry(entries=[entry("noise", "Noise"), entry("noise", "Silent")])
    assert type(registry.get("noise")).__name__ == "Noise"
    assert "test_registry:Silent" in registry.notices[0].message


def test_registering_a_built_in_name_needs_a_word() -> None:
    own = Noise("openai")
    with pytest.raises(InvalidRequest, match="override=True"):
        register(own)
    assert Registry(entries=[]).get("openai") is not own
    register(own, override=True)
    assert Registry(entries=[]).get("openai") is own


def test_registering_replaces_and_reaches_studios_that_are_open() -> None:
    registry = Registry(entries=[])
    first, second = Noise(), Noise()
    register(first)
    assert registry.get("noise") is first
    register(second)
    assert registry.get("noise") is second
    own = Noise()
    assert Registry([own], entries=[]).get("noise") is own


def test_a_bare_id_is_enough_where_it_is_unique() -> None:
    registry = Registry([Noise("a", "same", "only:8b"), Noise("b", "same")], entries=[])
    assert registry.find("only:8b")[1].name == "a:only:8b"
    assert registry.find("instant")[0].spec.name == "demo"
    with pytest.raises(NotFound, match="a:same, b:same"):
        registry.find("same")


def test_what_is_not_there_is_named_with_what_is_near() -> None:
    registry = Registry(entries=[])
    with pytest.raises(NotFound, match="Did you mean demo:instant"):
        registry.find("demo:instnt")
    with pytest.raises(NotFound, match="Did you mean 'openai'") as caught:
        registry.get("opanai")
    assert ", ".join(NAMES) in caught.value.next_step
    with pytest.raises(NotFound):
        registry.find("")


# ------------------------------------------------------------------ keys

SPEC = ProviderSpec(name="cloud", title="Cloud", key_variables=("CLOUD_KEY", "OLD_CLOUD_KEY"))


def test_a_given_key_goes_before_the_environment_and_its_order() -> None:
    environ = {"OLD_CLOUD_KEY": "old"}
    keys = Keys({}, environ)
    assert (keys.get(SPEC), keys.state(SPEC)) == ("old", "set")
    environ["CLOUD_KEY"] = " new\n"
    assert keys.get(SPEC) == "new"
    keys.set("cloud", "given")
    assert keys.get(SPEC) == "given"
    keys.set("cloud", "")
    assert keys.get(SPEC) == "new"


def test_the_state_says_whether_a_key_is_needed() -> None:
    assert Keys({}, {"CLOUD_KEY": "  "}).state(SPEC) == "missing"
    assert Keys({}, {}).state(ProviderSpec(name="demo", title="Demo")) == "not_needed"


def test_keys_are_not_shown_and_do_not_leave_the_process() -> None:
    keys = Keys({"cloud": "secret"}, {})
    assert "secret" not in repr(keys)
    for escape in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            escape(keys)
