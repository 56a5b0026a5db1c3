"""A variable of the network that cannot be used stops nothing but the calls that need it."""

from __future__ import annotations

import pytest

from imgplay_widget import Status, errors
from imgplay_widget.testing import FakeProvider, open_studio
from tests.servers.openai_server import OpenAIServer
from tests.servers.proxies import SocksProxy

WAIT = 30
KEY = "sk-canary-1f5be0a7c29d"
KINDS = {
    "socks": ("ALL_PROXY", "socks://127.0.0.1:1"),
    "certificates": ("SSL_CERT_FILE", "/nowhere/ca.pem"),
    "no address": ("HTTPS_PROXY", "http://"),
}


@pytest.fixture(params=KINDS)
def variable(request, monkeypatch):
    for name in ("NO_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("NO_PROXY", "localhost,[::1],fe80::/10")
    name, value = KINDS[request.param]
    monkeypatch.setenv(name, value)
    return name


def test_only_the_calls_that_need_the_variable_fail_and_none_of_them_is_sent_later(
    variable, monkeypatch, tmp_path
):
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.example.org/v1")
    store = tmp_path / "s.sqlite"
    with OpenAIServer() as here, open_studio(store=store, keys={"openai": KEY}) as studio:
        studio.generate("a fox", model="demo:instant").result(WAIT)
        studio.add_server("here", here.base_url)
        studio.generate("a fox", model="here:any").result(WAIT)
        paid = studio.generate("a fox", model="openai:gpt-image-2")
        with pytest.raises(errors.NetworkSetting, match=variable) as caught:
            paid.result(WAIT)
        assert variable in caught.value.next_step
        assert paid[0].status is Status.ERROR
        assert not studio.check("openai").ok
    monkeypatch.delenv(variable)
    with OpenAIServer() as cloud, SocksProxy(cloud.port) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        monkeypatch.setenv("OPENAI_BASE_URL", "http://api.example.org/v1")
        with open_studio(store=store, keys={"openai": KEY}) as studio:
            batch = next(b for b in studio.search("a fox") if b.model.startswith("openai"))
            assert batch[0].status is Status.ERROR
            assert cloud.posts == 0, "what was reported as failed is not sent by itself"
            batch.retry().result(WAIT)
            assert cloud.posts == 1


def test_a_job_is_found_again_when_the_variable_is_corrected():
    setting = errors.NetworkSetting("ALL_PROXY cannot be used.", provider="fake")
    fake = FakeProvider(polls=[setting])
    with open_studio(fake) as studio:
        batch = studio.generate("a fox", model="fake:queue")
        with pytest.raises(errors.NetworkSetting):
            batch.result(WAIT)
        batch.retry().result(WAIT)
        assert len(fake.submits) == 1


def test_a_request_that_cannot_be_started_ends_by_name_and_is_not_sent_at_the_next_start(
    monkeypatch, tmp_path, caplog
):
    """A task that fails between the store and its first step does not stay behind as pending."""
    store, fake = tmp_path / "s.sqlite", FakeProvider()
    with open_studio(fake, store=store) as studio:
        with monkeypatch.context() as patch:
            patch.setattr(studio._core.clients, "http", lambda provider: 1 / 0)
            batch = studio.generate("a fox", model="fake:image")
            with pytest.raises(errors.InternalError):
                batch.result(WAIT)
        assert batch[0].status is Status.ERROR
    assert "could not be started" in caplog.text
    with open_studio(fake, store=store) as studio:
        studio.generate("another", model="fake:image").result(WAIT)
    assert [unit.prompt for unit in fake.submits] == ["another"]
