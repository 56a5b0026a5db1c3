"""Keys are taken out of texts and logs in every form, and plain words stay."""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from imgplay_widget import errors
from imgplay_widget._engine.admission import admit, admit_error, admit_ticket
from imgplay_widget._types import Done, Inline, Missing, ModelSpec, Parameter, Pending, Remote
from imgplay_widget.catalog import checked
from imgplay_widget.errors import ServerError
from imgplay_widget.providers._shared.hiding import redact, without_key
from imgplay_widget.providers.base import Provider
from imgplay_widget.providers.gemini import Gemini
from imgplay_widget.providers.http import Http
from imgplay_widget.providers.huggingface import HuggingFace
from imgplay_widget.providers.openai import OpenAI
from imgplay_widget.providers.qwen import Qwen
from imgplay_widget.testing import FakeProvider, open_studio, png
from imgplay_widget.testing.server import Answer
from tests.providers.conftest import KEY, Caller, unit_of
from tests.servers.openai_server import OpenAIServer

ODD_KEY = 'pk/ä+b=7?&c%9 "quoted"'.replace(" ", "")


def forms(key: str) -> dict[str, str]:
    data = key.encode()
    return {
        "itself": key,
        "capitals": key.upper(),
        "small letters": key.lower(),
        "percent": quote(key, safe=""),
        "percent, every byte": "".join(f"%{byte:02X}" for byte in data),
        "JSON": json.dumps(key)[1:-1],
        "base64": base64.b64encode(data).decode(),
        "base64 in an address": quote(base64.b64encode(data).decode(), safe=""),
        "base64 of addresses": base64.urlsafe_b64encode(data).decode().rstrip("="),
        "a login": base64.b64encode(b"user:" + data).decode(),
        "a login, the other way": base64.b64encode(data + b":x").decode(),
        "a header": base64.b64encode(b"Bearer " + data).decode(),
        "hex": data.hex(),
        "hex in capitals": data.hex().upper(),
    }


@pytest.mark.parametrize("key", [KEY, "0f8c2b7d9a", ODD_KEY, "user:hunter2hunter2"])
@pytest.mark.parametrize("hide", [without_key, redact])
def test_a_key_is_hidden_in_every_form(key: str, hide: Any) -> None:
    for name, form in forms(key).items():
        for text in (
            form,
            f"no: '{form}'.",
            f"https://h.example/{form}/a",
            f'{{"key": "{form}"}}',
            f"x{form}y",
        ):
            shown = hide(text, key)
            assert form not in shown, name
            # Not a large part of it either.
            assert not any(form[i : i + 12] in shown for i in range(len(form) - 11)), (name, shown)


def test_the_password_of_a_login_is_hidden_alone() -> None:
    assert "hunter2hunter2" not in without_key("wrong password hunter2hunter2", "user:hunter2hunter2")


def test_words_around_a_key_stay() -> None:
    assert without_key(f"The key {KEY} is wrong.", KEY) == "The key … is wrong."
    assert without_key("Nothing here: aGVsbG8gd29ybGQhIGhlbGxvIHdvcmxkIQ==", KEY).endswith("==")


@pytest.mark.parametrize("key", ["none", "test", "a", "sk", "EMPTY", "fox", "key"])
def test_a_short_key_that_is_a_word_leaves_words_alone(key: str) -> None:
    text = f"A {key} and another: tests, asking, {key}board, nonetheless, foxes."
    assert without_key(text, key) == text
    # It is hidden where keys stand.
    assert redact(f"Authorization: Bearer {key}") == "Authorization: Bearer …"


def test_a_short_key_with_a_digit_is_hidden_where_it_stands_alone() -> None:
    assert without_key("key k3y1, monk3y1s and k3y1-x", "k3y1") == "key …, monk3y1s and k3y1-x"


def test_a_long_hostile_text_is_redacted_quickly() -> None:
    before = time.process_time()
    for part in ("x-", "?key", "://a:", "authorization ", "aB+/", KEY[:10], "bearer "):
        shown = redact(part * 300_000 + KEY, KEY)
        assert len(shown) < 30_000
        assert KEY not in shown
    assert time.process_time() - before < 10


def test_a_cut_text_does_not_end_with_half_a_key() -> None:
    for length in range(19_960, 20_001):
        assert "canary-7f3a" not in redact("w " * (length // 2) + KEY + " more " * 100, KEY)[-200:]


NAMED: dict[str, tuple[Callable[[str], Provider], str, Any]] = {
    "a partner": (
        lambda origin: HuggingFace(origin, hub_url=origin),
        "a/b",
        {"inferenceProviderMapping": {KEY: {"status": "live", "task": "text-to-image", "providerId": "x"}}},
    ),
    "a reason": (Gemini, "gemini-3-pro-image", {"candidates": [{"finishReason": f"IT_{KEY}"}]}),
    "a kind": (lambda origin: OpenAI(origin, name="x"), "x", {"error": {"message": "no", "param": KEY}}),
    "a code": (Qwen, "qwen-image", {"code": f"Throttled.{KEY}", "message": ""}),
}


@pytest.mark.parametrize("name", NAMED)
def test_the_names_that_an_answer_chooses_hold_no_key(name: str) -> None:
    connect, model, body = NAMED[name]
    found = Answer(200, {"Content-Type": "application/json"}, json.dumps(body).encode())
    with OpenAIServer([found]) as server, pytest.raises(errors.ProviderError) as caught:
        Caller(connect(server.origin)).submit(unit_of(model=model))
    assert KEY not in f"{caught.value!r} {caught.value}"


# ------------------------------------------------------------------ logs


def test_the_headers_of_an_answer_are_logged_without_the_key(caplog: pytest.LogCaptureFixture) -> None:
    echoed = {f"x-echo-{i}": form for i, form in enumerate(forms(KEY).values())}
    with OpenAIServer([Answer(400, echoed, b"{}")]) as server:
        caplog.set_level(logging.DEBUG)
        with pytest.raises(errors.BadRequest):
            Caller(OpenAI(f"{server.base_url}/{KEY}", name="x")).submit(unit_of(model="x"))
    said = caplog.text
    assert "receive_response_headers.complete" in said
    assert "x-echo-0" in said
    for name, form in forms(KEY).items():
        assert form not in said, name


def test_a_signed_link_is_logged_without_its_signature(caplog: pytest.LogCaptureFixture) -> None:
    with OpenAIServer(files={"/a.png": png()}) as server:
        caplog.set_level(logging.DEBUG)
        caller = Caller(OpenAI(server.base_url))
        caller.run(lambda http: http.download(f"{server.origin}/a.png?X-Signature=abcdefgh&n=1"))
    assert "a.png" in caplog.text
    assert "abcdefgh" not in caplog.text


def test_an_unexpected_error_is_logged_without_the_key(caplog: pytest.LogCaptureFixture) -> None:
    def broken(unit: Any) -> Done:
        raise RuntimeError(f"the header was {KEY}")

    fake = FakeProvider([broken])
    with open_studio(fake, keys={"fake": KEY}) as studio, pytest.raises(errors.Uncertain):
        studio.generate("a fox", model="fake:image").result(30)
    assert "RuntimeError: the header was" in caplog.text
    assert KEY not in caplog.text


# ------------------------------------------------------------------ what is stored


def client() -> Http:
    return Http(FakeProvider(), None, lambda: KEY)  # pyright: ignore[reportArgumentType] - nothing is sent


@pytest.mark.parametrize("form", forms(KEY).values(), ids=forms(KEY))
def test_no_value_of_an_answer_keeps_the_key(form: str) -> None:
    info = ServerError(f"it said {form}", request_id=form).info
    done = Done(
        images=(
            Inline(data=b"x", applied={"revised_prompt": f"a fox {form}", form: 1}, media_type=form),
            Missing(error=info),
        ),
        request_id=form,
        usage={"user": {form: [form]}},
        served_by=form,
        cost=form,
    )
    assert form not in repr(admit(done, client()))
    assert form not in repr(admit_error(info, client()))
    with pytest.raises(errors.BadResponse, match="cannot be stored"):
        admit_ticket({"job": form}, client())
    spec = ModelSpec(
        provider="x",
        id="m",
        title=form,
        description=form,
        parameters=(Parameter(name="p", type="string", title=form, choices=("a", form)),),
    )
    assert form not in repr(checked([spec], "x", client().hide))


def test_figures_that_a_store_cannot_add_are_left_out() -> None:
    image = Inline(data=b"x", applied={"seed": 2**64 - 1, "deep": _deep(500)})
    done = admit(Done(images=(image,), usage={"a": float("nan"), "b": 10**400}, cost="1e400"), client())
    assert done.cost is None
    assert done.usage == {"a": None, "b": None}
    assert done.images[0].applied == {}
    assert admit(Done(images=(Inline(data=b"x", applied={"seed": 2**64 - 1}),)), client()).images[
        0
    ].applied == {"seed": str(2**64 - 1)}
    assert [
        admit(Done(images=(), cost=cost), client()).cost for cost in ("0.04", "-1", "NaN", "x", None)
    ] == [
        "0.04",
        None,
        None,
        None,
        None,
    ]


def _deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("ticket", [{"job": _deep(500)}, {"job": "x" * 200_000}, {"job": {1, 2}}])
def test_a_ticket_that_cannot_be_stored_is_refused(ticket: Any) -> None:
    with pytest.raises(errors.BadResponse, match="cannot be stored"):
        admit_ticket(ticket, client())


def test_neither_a_link_nor_an_error_nor_a_ticket_stores_the_key(tmp_path: Any) -> None:
    linked = Done(images=(Remote(url=f"http://127.0.0.1:9/a.png?key={KEY}"),))
    script = [linked, ServerError(f"it said {KEY}", provider="fake"), Pending(ticket={"job": KEY})]
    fake = FakeProvider(script, concurrency=1)
    with open_studio(fake, store=tmp_path / "a.sqlite", keys={"fake": KEY}) as studio:
        for model in ("fake:image", "fake:image", "fake:queue"):
            with pytest.raises(errors.ImgplayError) as caught:
                studio.generate("a fox", model=model).result(30)
            assert KEY not in f"{caught.value!r}{caught.value}"
    assert len(fake.submits) == 3
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes(), path
