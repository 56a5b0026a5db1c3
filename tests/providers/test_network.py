"""The network that a user really has: proxies, exceptions from them, and certificates."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imgplay_widget import errors
from imgplay_widget.providers._shared import addresses, network, transport
from imgplay_widget.providers._shared.environment import bare
from imgplay_widget.providers.a1111 import A1111
from imgplay_widget.providers.comfyui import ComfyUI
from imgplay_widget.providers.minimax import MiniMax
from imgplay_widget.providers.openai import OpenAI
from imgplay_widget.providers.qwen import Qwen
from imgplay_widget.providers.replicate import Replicate
from imgplay_widget.providers.sdcpp import SdCpp
from imgplay_widget.providers.siliconflow import SiliconFlow
from tests.providers.conftest import Caller, unit_of
from tests.servers import openai_server as script
from tests.servers.openai_server import OpenAIServer
from tests.servers.proxies import HttpProxy, SocksProxy

CLOUD = "http://api.example.org/v1"
"""A cloud by plain http, so that a proxy on loopback can lead to a server without certificates."""

NETWORK = (*network.PROXIES, "NO_PROXY", *network.CERTIFICATES, "SSLKEYLOGFILE")
DEAD = "http://127.0.0.1:1"
LISTS = ("sd-models", "samplers", "schedulers")


@pytest.fixture(autouse=True)
def _plain_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NETWORK:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def listed(caller: Caller) -> Any:
    """Ask a provider for its models, which is a call that costs nothing."""
    return caller.run(caller.provider.discover)


# ------------------------------------------------------------------ the way


@pytest.mark.parametrize(
    ("no_proxy", "host"),
    [
        ("*", "api.example.org"),
        ("example.org", "api.example.org"),
        (".example.org", "api.example.org"),
        ("*.example.org", "api.example.org"),
        ("other.net, api.example.org", "api.example.org"),
        ("other.net api.example.org", "api.example.org"),
        ("https://api.example.org", "api.example.org"),
        ("api.example.org:443", "api.example.org"),
        ('"api.example.org"', "api.example.org"),
        ("API.Example.ORG.", "api.example.org"),
        ("8.8.8.8", "8.8.8.8"),
        ("8.8.0.0/16", "8.8.8.8"),
        ("2606:4700::1111", "[2606:4700::1111]"),
        ("[2606:4700::1111]", "[2606:4700:0::1111]"),
        ("[2606:4700::1111]:443", "[2606:4700::1111]"),
        ("2606:4700::/32", "[2606:4700::1111]"),
        ("[2606:4700::]/32", "[2606:4700::1111]"),
    ],
)
def test_no_proxy_is_understood_in_every_spelling(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, host: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert network.way(f"https://{host}/v1").proxy == "http://proxy.example:3128"
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert network.way(f"https://{host}/v1") == network.Way()


@pytest.mark.parametrize(
    "no_proxy",
    [
        "localhost",
        "[::1]",
        "fe80::/10",
        "ample.org",
        "api.example.org:8080",
        "10.0.0.0/8",
        ",,",
        "[",
        "a::b::c/x",
    ],
)
def test_no_proxy_means_what_it_says_and_nothing_else(monkeypatch: pytest.MonkeyPatch, no_proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert network.way("https://api.example.org/v1").variable == "HTTPS_PROXY"


def test_the_proxy_of_the_kind_goes_before_the_one_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    # GNOME sets all three, and the last one in a spelling that only GNOME knows.
    monkeypatch.setenv("https_proxy", "proxy.example:3128\r")
    monkeypatch.setenv("HTTPS_PROXY", "http://other.example")
    monkeypatch.setenv("all_proxy", "socks://proxy.example:1080")
    assert network.way("https://api.example.org") == network.Way("http://proxy.example:3128", "https_proxy")
    with pytest.raises(network.Unusable, match="all_proxy"):
        network.way("http://api.example.org")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8188",
        "http://localhost:7860",
        "http://[::1]:1234",
        "http://192.168.1.20:8188",
        "http://gpu-box:8188",
        "http://gpu.local:8188",
        "http://gpu.lan",
        "http://host.docker.internal:7860",
        "https://10.1.2.3",
    ],
)
def test_a_server_on_this_machine_or_network_needs_no_proxy(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    assert addresses.is_local(url)
    for name in network.PROXIES:
        monkeypatch.setenv(name, "socks://nonsense")
    assert network.way(url) == network.Way()


@pytest.mark.parametrize(
    "url", ["https://api.example.org", "https://8.8.8.8", "https://a.internal.example", "http://["]
)
def test_what_may_be_on_the_internet_is_not_local(url: str) -> None:
    assert not addresses.is_local(url)


# ------------------------------------------------------------------ what cannot be used


@pytest.mark.parametrize(
    ("variable", "value", "step"),
    [
        ("ALL_PROXY", "socks://ann:secret@127.0.0.1:1", "socks5://host:port"),
        ("HTTP_PROXY", "socks4://ann:secret@127.0.0.1:1", "socks5://host:port"),
        ("http_proxy", "http://ann:secret@[::1", "http://host:port"),
        ("ALL_PROXY", "http://", "http://host:port"),
        ("HTTP_PROXY", "http://ann:secret@proxy.example:port", "http://host:port"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, step: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(errors.NetworkSetting) as caught:
        listed(Caller(OpenAI(CLOUD)))
    error = caught.value
    assert variable in error.message
    assert variable in error.next_step
    assert step in error.next_step
    assert (error.provider, error.retryable, error.maybe_billed) == ("openai", True, False)
    assert "secret" not in str(error)
    assert [one.message for one in network.unusable(transport.usual)] == [error.message]


def test_socks_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "find_spec", lambda name: None)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(errors.NetworkSetting, match=r"ALL_PROXY.*imgplay-widget\[socks\]"):
        listed(Caller(OpenAI(CLOUD)))


@pytest.mark.parametrize(
    ("variable", "kind"),
    [
        ("SSL_CERT_FILE", "missing"),
        ("SSL_CERT_FILE", "text"),
        ("SSL_CERT_FILE", "folder"),
        ("SSL_CERT_DIR", "missing"),
        ("SSL_CERT_DIR", "text"),
        ("REQUESTS_CA_BUNDLE", "missing"),
        ("REQUESTS_CA_BUNDLE", "text"),
        ("SSLKEYLOGFILE", "missing"),
    ],
)
def test_certificates_that_cannot_be_read_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, kind: str
) -> None:
    (tmp_path / "text").write_text("no certificate")
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv(variable, str(tmp_path / "nowhere" / kind if kind == "missing" else tmp_path / kind))
    with pytest.raises(errors.NetworkSetting) as caught:
        listed(Caller(OpenAI("https://127.0.0.1:1/v1", key_variables=())))
    assert variable in caught.value.message
    assert variable in caught.value.next_step
    assert [one.message for one in network.unusable(transport.usual)] == [caught.value.message]
    with OpenAIServer(files={"/v1/models": script.answer({"data": []})}) as server:
        assert list(listed(Caller(OpenAI(server.base_url)))) == [], "plain http needs no certificates"


def test_a_variable_that_is_corrected_counts_at_the_next_call(monkeypatch: pytest.MonkeyPatch) -> None:
    with OpenAIServer() as server, SocksProxy(server.port) as proxy:
        caller = Caller(OpenAI(CLOUD, key_variables=("A_KEY",)))

        async def twice(http: Any) -> Any:
            monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:1")
            with pytest.raises(errors.NetworkSetting):
                await caller.provider.submit(unit_of(), http)
            monkeypatch.setenv("ALL_PROXY", proxy.url)
            return await caller.provider.submit(unit_of(), http)

        assert caller.run(twice).images
        assert server.posts == 1


# ------------------------------------------------------------------ proxies that work, and such that do not


def test_a_call_goes_by_a_socks_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with OpenAIServer() as server, SocksProxy(server.port) as proxy:
        monkeypatch.setenv("ALL_PROXY", f" '{proxy.url}'\r")
        assert Caller(OpenAI(CLOUD)).submit(unit_of()).images
        # The proxy resolves the name.
        assert proxy.asked == [("api.example.org", 80)]
        assert server.posts == 1


def test_a_server_on_this_machine_answers_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
    with OpenAIServer([script.error(500, "out of memory")]) as server, HttpProxy(0, refusal) as proxy:
        for name in network.PROXIES:
            monkeypatch.setenv(name, proxy.url)
        with pytest.raises(errors.ServerError, match="out of memory"):
            Caller(OpenAI(server.base_url)).submit(unit_of())
        assert proxy.asked == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "502"),
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "user:password@"),
        (b"", "HTTPS_PROXY"),
        (b"junk\r\n\r\n", "HTTPS_PROXY"),
    ],
    ids=["502", "407", "closed", "junk"],
)
def test_what_a_proxy_says_is_not_the_providers_answer(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, words: str
) -> None:
    with HttpProxy(0, answer) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("://", "://ann:secret@"))
        with pytest.raises(errors.ConnectFailed) as caught:
            Caller(OpenAI("https://api.example.org/v1")).submit(unit_of())
    assert "HTTPS_PROXY" in caught.value.message
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)
    assert not caught.value.maybe_billed, "nothing was sent to the provider"


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x05\xff", b"\x04", b""])
def test_what_does_not_speak_socks_is_named(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    with SocksProxy(0, answer) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        with pytest.raises(errors.ConnectFailed, match="ALL_PROXY"):
            Caller(OpenAI(CLOUD)).submit(unit_of())


def test_a_proxy_that_does_not_run_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", DEAD)
    with pytest.raises(errors.ConnectFailed, match=r"HTTPS_PROXY.*NO_PROXY"):
        Caller(OpenAI("https://api.example.org/v1")).submit(unit_of())


@pytest.mark.parametrize(("variable", "scheme"), [("ALL_PROXY", "socks5"), ("HTTPS_PROXY", "http")])
def test_a_proxy_that_is_silent_does_not_keep_a_call_for_minutes(
    monkeypatch: pytest.MonkeyPatch, variable: str, scheme: str
) -> None:
    monkeypatch.setattr(transport, "UNSENT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv(variable, f"{scheme}://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(errors.ConnectFailed, match=variable) as caught:
            Caller(OpenAI("https://api.example.org/v1")).submit(unit_of())
    assert not caught.value.maybe_billed


def test_a_connection_that_breaks_after_the_call_may_have_been_billed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with OpenAIServer([script.RESET_AFTER]) as server, SocksProxy(server.port) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        with pytest.raises(errors.NetworkError) as caught:
            Caller(OpenAI(CLOUD)).submit(unit_of())
    assert not isinstance(caught.value, errors.ConnectFailed)
    assert caught.value.maybe_billed


# ------------------------------------------------------------------ certificates


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a certificate of 127.0.0.1 that signs itself, and its secret part."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "office")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, secret.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(secret.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(secret.public_key()), critical=False
        )
        .sign(secret, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("certificates") / "office.pem"
    encoding = serialization.Encoding.PEM
    own = secret.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(certificate.public_bytes(encoding) + own)
    return file


@pytest.fixture
def secure(signed: Path) -> Iterator[str]:
    """Return the base URL of a server that speaks TLS with the certificate, and lists no models."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signed)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            with plain:
                try:
                    with context.wrap_socket(plain, server_side=True) as connection:
                        connection.recv(65536)
                        head = "HTTP/1.1 200 x\r\nConnection: close\r\nContent-Type: application/json\r\n"
                        body = '{"data": []}'
                        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{listener.getsockname()[1]}/v1"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def test_a_certificate_that_is_not_trusted_says_how_to_trust_it(secure: str) -> None:
    with pytest.raises(errors.ConnectFailed, match=r"certificate of 127\.0\.0\.1 is not trusted") as caught:
        listed(Caller(OpenAI(secure)))
    assert "SSL_CERT_FILE" in caught.value.next_step
    assert "REQUESTS_CA_BUNDLE" in caught.value.next_step


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_file_of_certificates_is_trusted(
    monkeypatch: pytest.MonkeyPatch, secure: str, signed: Path, variable: str
) -> None:
    monkeypatch.setenv(variable, f'"{signed}"\r')
    assert list(listed(Caller(OpenAI(secure)))) == []


def test_the_first_variable_of_certificates_counts(
    monkeypatch: pytest.MonkeyPatch, secure: str, signed: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(signed))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with pytest.raises(errors.ConnectFailed, match="not trusted"):
        listed(Caller(OpenAI(secure)))
    monkeypatch.setenv("SSL_CERT_FILE", str(signed))
    assert list(listed(Caller(OpenAI(secure)))) == []


# ------------------------------------------------------------------ addresses of a host


def test_all_addresses_of_a_host_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first address does not answer, and the others refuse. Names are never connected to."""
    monkeypatch.setattr(addresses, "is_private", lambda address: False)
    monkeypatch.setattr(transport, "ATTEMPT", 0.2)
    tried: list[str] = []
    connect = transport.httpcore.AnyIOBackend.connect_tcp

    async def watched(self: Any, host: str, port: int, timeout: Any = None, *rest: Any) -> Any:
        tried.append(host)
        if host == "::1":
            raise transport.httpcore.ConnectTimeout
        return await connect(self, host, port, timeout, *rest)

    monkeypatch.setattr(transport.httpcore.AnyIOBackend, "connect_tcp", watched)

    async def several(host: str, port: int) -> list[str]:
        return ["::1", "::1", "127.0.0.2", "127.0.0.1"]

    with pytest.raises(errors.ConnectFailed, match=r"pictures\.example\.org"):
        Caller(OpenAI("https://api.example.org/v1"), resolve=several).run(
            lambda http: http.download("https://pictures.example.org:1/a.png")
        )
    assert tried == ["::1", "127.0.0.2", "127.0.0.1"]


@pytest.mark.parametrize(
    ("found", "turns"),
    [
        (["::1", "::2", "1.1.1.1", "1.1.1.2"], ["::1", "1.1.1.1", "::2", "1.1.1.2"]),
        (["1.1.1.1", "1.1.1.1", "::1"], ["1.1.1.1", "::1"]),
        (["1.1.1.1"], ["1.1.1.1"]),
        ([], []),
    ],
)
def test_the_versions_of_ip_take_turns(found: list[str], turns: list[str]) -> None:
    assert addresses.in_turn(found) == turns


def test_a_foreign_link_is_checked_also_where_a_proxy_leads_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def inside(host: str, port: int) -> list[str]:
        return ["10.0.0.5"]

    with HttpProxy(0, b"") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(errors.BadResponse, match="private network"):
            Caller(OpenAI("https://api.example.org/v1"), resolve=inside).run(
                lambda http: http.download("https://pictures.example.org/a.png")
            )
        assert proxy.asked == []


# ------------------------------------------------------------------ values of people


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" plain\r\n", "plain"),
        ("'single'", "single"),
        ('"double" ', "double"),
        ('" spaced "', "spaced"),
        ("'open", "'open"),
        ("it's", "it's"),
        ("'", "'"),
        ("", ""),
    ],
)
def test_quotes_and_spaces_around_a_value_are_left_out(given: str, kept: str) -> None:
    assert bare(given) == kept


@pytest.mark.parametrize("key", ["sk-1742\nsk-1743", "sk-1742\x00", "sk-1742é", "“sk-1742”", "sk-1742\u4e2d"])
def test_a_key_that_no_header_can_have_is_refused_before_anything_is_sent(key: str) -> None:
    with OpenAIServer() as server:
        caller = Caller(OpenAI(server.base_url, key_variables=("A_KEY",)), key=key)
        with pytest.raises(errors.BadKey) as caught:
            caller.submit(unit_of())
        assert server.requests == []
    assert "174" not in repr(caught.value) + str(caught.value)
    assert caught.value.__cause__ is None


def test_a_header_beside_the_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with OpenAIServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_ORG_ID", "org\nname")
        with pytest.raises(errors.BadKey, match="OpenAI-Organization"):
            Caller(OpenAI()).submit(unit_of())
        assert server.requests == []


@pytest.mark.parametrize(
    "made",
    [OpenAI, A1111, SdCpp, ComfyUI, Replicate, SiliconFlow, MiniMax, Qwen],
    ids=lambda kind: kind.__name__,
)
def test_an_address_of_the_environment_is_cleaned(monkeypatch: pytest.MonkeyPatch, made: Any) -> None:
    variable = getattr(made, "address_variable", "OPENAI_BASE_URL")
    monkeypatch.setenv(variable, ' "http://127.0.0.1:8188/" \r')
    provider = made()
    assert provider.origin() == "http://127.0.0.1:8188"
    assert provider.spec.local


def test_a_password_beyond_ascii_is_sent_as_the_server_takes_it() -> None:
    with OpenAIServer(files={f"/sdapi/v1/{name}": script.answer([]) for name in LISTS}) as server:
        listed(Caller(A1111(server.origin), key="ann:pässwort"))
        sent = {request.headers["authorization"] for request in server.requests}
    assert sent == {f"Basic {base64.b64encode('ann:pässwort'.encode()).decode()}"}
