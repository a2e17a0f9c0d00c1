"""`doctor --probe` and `--models` against a provider that misbehaves: what each answer proves, and what goes out."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, Reply, settings_of
from support.messages_server import Internet, make_certificate
from support.provider import Exchange, Provider, error, message
from support.secret_service import wait_until
from support.terminal import Terminal

from llmswitch.doctor import probe, probe_request, replies

KEY = "sk-test-canary-0123456789abcdef0123456789"
TRAP = "sk-trap-canary-9876543210fedcba9876543210"
EXPORT = "export LLMSWITCH_KEY_TESTKEY="  # where there is no keyring


class Pinned:
    """A worktree that is pinned to a preset of the test's own."""

    def __init__(self, cli: Cli, repo: Path, environ: dict[str, str], tmp: Path) -> None:
        self._cli, self.repo, self.environ = cli, repo, environ
        self._folder = tmp / "own" / "presets"
        self._folder.mkdir(parents=True)
        environ |= {"LLMSWITCH_HOME": str(tmp / "own"), "LLMSWITCH_KEY_TESTKEY": KEY}

    def to(self, url: str, *options: str, **fields: Any) -> None:
        """Switch to a preset with this base URL, two models, and these fields besides."""
        slots = {"haiku": "test/small", "sonnet": "test/big", "opus": "test/big"}
        whole = {"base_url": url, "key": "testkey", "slots": slots, "windows": dict.fromkeys(slots.values(), 200000)}
        (self._folder / "mine.json5").write_text(json.dumps(whole | fields))
        reply = self._cli("mine", *options, cwd=self.repo)
        assert reply.code == 0, reply

    def doctor(self, *options: str) -> Reply:
        """Run doctor, and see that no key is shown."""
        reply = self._cli("doctor", *options, cwd=self.repo)
        assert KEY not in reply.out + reply.err
        assert TRAP not in reply.out + reply.err
        return reply

    def found(self, *options: str) -> dict[str, dict[str, str]]:
        """Return what asking found, by code."""
        data = json.loads(self.doctor("--json", *(options or ("--probe",))).out)
        around = {"keyring", "no-client", "first-run"}
        everything = [*data["problems"], *({**each, "level": "ok"} for each in data["proven"])]
        return {each["code"]: each for each in everything if each["code"] not in around}


@pytest.fixture
def pinned(cli: Cli, repo: Path, sealed: dict[str, str], tmp_path: Path) -> Pinned:
    """A worktree without a pin yet."""
    return Pinned(cli, repo, sealed, tmp_path)


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider that answers every request with a message until it is told otherwise."""
    with Provider() as provider:
        yield provider


def cut(exchange: Exchange) -> None:
    """Say nothing and go."""
    exchange.connection.shutdown(socket.SHUT_RDWR)


def cut_inside(exchange: Exchange) -> None:
    """Promise more than comes."""
    exchange.send_response(200)
    exchange.send_header("Content-Length", "1000")
    exchange.end_headers()
    exchange.wfile.write(b'{"type"')


def nonsense(exchange: Exchange) -> None:
    """No HTTP at all."""
    exchange.wfile.write(b"SSH-2.0-OpenSSH_9.9\r\n")


def says(status: int, body: Any, kind: str = "application/json") -> Callable[[Exchange], None]:
    """Return an answer with this body."""
    return lambda exchange: exchange.send(status, body, kind)


EXTRA = "context_management: Extra inputs are not permitted"
INSIDE = 'event: error\ndata: {"type": "error", "error": {"message": "model is overloaded"}}\n\n'
# answer → (code, level, a word of the message, a word of the fix)
ANSWERS: dict[str, tuple[Callable[[Exchange], None], str, str, str, str]] = {
    "200": (message, "probe-answers", "ok", "key and model are good", ""),
    "200, not streamed": (says(200, {"type": "message", "content": []}), "probe-answers", "ok", "are good", ""),
    "200, a page": (says(200, "<html>Log in", "text/html"), "probe-no-message", "error", "login page", "mine"),
    "200, an error": (says(200, INSIDE, "text/event-stream"), "probe-error-inside", "error", "overloaded", "--models"),
    "401": (
        error(401, "bad key " + KEY),
        "probe-refused",
        "error",
        "Authorization: Bearer",
        EXPORT,
    ),
    "403": (error(403, "blocked\x1b[31m\nhere"), "probe-refused", "error", "firewall", EXPORT),
    "402": (error(402, "pay"), "probe-limit", "warning", "The key is good", "account"),
    "429": (error(429, "slow down"), "probe-limit", "warning", "The key is good", "later"),
    "404, the model": (error(404, "model: test/big not found"), "probe-model", "error", "key is good", "--models"),
    "400, the model": (
        error(400, "No endpoints found for that model"),
        "probe-model",
        "error",
        "key is good",
        "--models",
    ),
    "404, the path": (says(404, "<h1>Not Found</h1>"), "probe-no-endpoint", "error", "/v1/messages", "mine"),
    "400, context_management": (error(400, EXTRA), "probe-cure", "warning", "EXPERIMENTAL_BETAS=1", "--fix"),
    "400, adaptive": (error(400, "type adaptive?"), "probe-cure", "error", "DISABLE_THINKING=1", "--fix"),
    "400, tool_search": (error(400, "tool_search_tool"), "probe-cure", "error", "ENABLE_TOOL_SEARCH=false", "--fix"),
    "400, effort": (error(400, "output_config"), "probe-cure", "error", "EFFORT_LEVEL=auto", "--fix"),
    "400, extra": (error(400, "x: Extra inputs are not permitted"), "probe-cure", "error", "BETAS=1", "--fix"),
    "400, one token": (error(400, "max_tokens must be 16"), "probe-answers", "ok", "more than one token", ""),
    "400, the key": (
        error(400, "API key not valid."),
        "probe-refused",
        "error",
        "does not take",
        EXPORT,
    ),
    "400": (error(400, "no"), "probe-rejected", "error", "It says: no", "show"),
    "500": (error(500, "oops"), "probe-failing", "warning", "says nothing about key", "later"),
    "529": (error(529, "overloaded"), "probe-failing", "warning", "529", "later"),
    "cut": (cut, "probe-cut", "error", "cut the connection", "again"),
    "cut inside": (cut_inside, "probe-cut", "error", "cut the connection", "again"),
    "nonsense": (nonsense, "probe-cut", "error", "cut the connection", "again"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_an_answer_proves(pinned: Pinned, provider: Provider, name: str) -> None:
    """And what not; each distinct model is asked once, with the pin's key and nothing else."""
    provider.answer, code, level, word, fix = ANSWERS[name]
    pinned.to(provider.url)
    found = pinned.found()
    assert set(found) == {code}
    assert found[code]["level"] == level
    assert word in found[code]["message"]
    assert fix in found[code].get("fix", "")
    assert found[code]["message"].isprintable()
    assert sorted(request.body["model"] for request in provider.requests) == ["test/big", "test/small"]
    assert {request.path for request in provider.requests} == {"/v1/messages?beta=true"}
    assert {json.dumps(request.credentials) for request in provider.requests} == {
        json.dumps({"authorization": f"Bearer {KEY}"})
    }


def test_a_terminal_shows_how_it_goes(pinned: Pinned, provider: Provider) -> None:
    """On one line, which is gone again when the answers are there."""
    pinned.to(provider.url)
    argv = [sys.executable, "-m", "llmswitch", "doctor", "--probe"]
    with Terminal(argv, pinned.repo, pinned.environ) as terminal:
        terminal.expect("2 asked, 0 answered …")
        terminal.expect("key and model are good")
        terminal.wait()
    assert "asked" not in pinned.doctor("--probe").err


def test_a_redirect_is_not_followed(pinned: Pinned, provider: Provider) -> None:
    """Wherever it points, the key does not go there."""
    with Provider() as other:
        for status in (301, 302, 307, 308):
            provider.answer = error(status, "there", Location=f"{other.url}/v1/messages?key=secret")
            pinned.to(provider.url)
            found = pinned.found()["probe-redirect"]
            assert other.url in found["message"]
            assert "key=secret" not in found["message"]
        assert other.requests == []


@pytest.mark.parametrize("options", [[], ["--key-helper"]], ids=["api-key", "helper"])
def test_a_redirect_that_the_key_would_follow_is_found_without_it(
    pinned: Pinned, provider: Provider, options: list[str]
) -> None:
    """In x-api-key it would: the host gets no key to look for that, and the other host nothing."""
    with Provider() as other:
        provider.answer = error(307, "there", Location=f"{other.url}/v1/messages")
        pinned.to(provider.url, *options, auth="bearer" if options else "api-key")
        found = pinned.found()["redirect"]
        assert (found["level"], other.url.rpartition("/")[2] in found["message"]) == ("error", True)
        assert provider.requests
        assert not any(KEY in str(request.headers) for request in provider.requests)
        assert other.requests == []


def test_no_other_credential_goes_out(pinned: Pinned, provider: Provider, tmp_path: Path) -> None:
    """.netrc, exported keys and headers, a helper of the user's, cookies from before."""
    for name in (".netrc", "_netrc"):
        file = Path(pinned.environ["HOME"], name)
        file.write_text(f"machine 127.0.0.1 login me password {TRAP}\ndefault login me password {TRAP}\n")
        file.chmod(0o600)
    pinned.environ |= {"NETRC": str(Path(pinned.environ["HOME"], ".netrc")), "ANTHROPIC_API_KEY": TRAP}
    pinned.environ |= {"ANTHROPIC_CUSTOM_HEADERS": f"x-trap: {TRAP}", "CLAUDE_CODE_OAUTH_TOKEN": TRAP}
    user = Path(pinned.environ["HOME"], ".claude", "settings.json")
    user.parent.mkdir()
    user.write_text(json.dumps({"apiKeyHelper": f"touch {tmp_path}/ran; echo {TRAP}"}))
    provider.answer = error(401, "who", **{"WWW-Authenticate": "Basic realm=x", "Set-Cookie": "a=b"})
    pinned.to(provider.url)
    pinned.found("--probe", "--models")
    assert len(provider.requests) == 2
    for request in provider.requests:
        assert request.credentials == {"authorization": f"Bearer {KEY}"}
        assert TRAP not in str(request.headers)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"auth": "api-key"}, {"x-api-key": KEY}),
        ({"key": None}, {"authorization": "Bearer llmswitch-keyless"}),
    ],
)
def test_the_credential_goes_out_as_the_preset_says(
    pinned: Pinned, provider: Provider, fields: dict[str, Any], expected: dict[str, str]
) -> None:
    """In one header; with no key the dummy, and then nothing is said of a key."""
    pinned.to(provider.url, **fields)
    message = pinned.found()["probe-answers"]["message"]
    assert ("key and model are good" in message) == ("x-api-key" in expected)
    sent = [request.credentials for request in provider.requests]
    assert sent[-1] == expected
    assert KEY not in str([each for each in sent if each != expected])  # the look for a redirect has none


def test_a_helper_of_ours_is_asked_and_no_other(pinned: Pinned, provider: Provider, tmp_path: Path) -> None:
    """Its key goes out in both headers, as Claude Code sends it."""
    pinned.to(provider.url, "--key-helper")
    assert "probe-answers" in pinned.found()
    assert provider.requests[-1].credentials == {"authorization": f"Bearer {KEY}", "x-api-key": KEY}
    provider.requests.clear()
    file = settings_of(pinned.repo)
    data = json.loads(file.read_text())
    file.write_text(json.dumps({**data, "apiKeyHelper": f"touch {tmp_path}/ran; echo {TRAP}"}))
    assert "not llmswitch's own" in pinned.found()["not-asked"]["message"]
    assert provider.requests == []
    assert not (tmp_path / "ran").exists()


def test_what_must_not_be_asked(pinned: Pinned, provider: Provider, cli: Cli) -> None:
    """No pin; a base URL of another place than the key; one that cannot be; a credential that is not there."""
    assert "no pin" in pinned.found()["not-asked"]["message"]
    pinned.to(provider.url)
    file = settings_of(pinned.repo)
    data = json.loads(file.read_text())
    url = data["env"].pop("ANTHROPIC_BASE_URL")
    file.write_text(json.dumps(data))
    (pinned.repo / ".claude" / "settings.json").write_text(json.dumps({"env": {"ANTHROPIC_BASE_URL": url}}))
    assert "different places" in pinned.found("--probe", "--models")["not-asked"]["message"]
    data["env"]["ANTHROPIC_BASE_URL"] = url + "/v1"
    file.write_text(json.dumps(data))
    assert "/v1/v1/messages" in pinned.found()["not-asked"]["message"]
    data["env"] |= {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_AUTH_TOKEN": ""}
    file.write_text(json.dumps(data))
    assert "no credential" in pinned.found()["not-asked"]["message"]
    assert provider.requests == []


def test_a_cure_is_set_in_this_pin_and_works(pinned: Pinned, provider: Provider) -> None:
    """--fix sets the variable, the next request leaves the field out, and `claude` takes the variable away."""

    def picky(exchange: Exchange) -> None:
        for field in ("context_management", "thinking", "output_config"):
            if field in exchange.body:
                return error(400, f"{field}: Extra inputs are not permitted")(exchange)
        if any("defer_loading" in tool for tool in exchange.body["tools"]):
            return error(400, "tools.1.defer_loading: Extra inputs are not permitted")(exchange)
        return message(exchange)

    provider.answer = picky
    pinned.to(provider.url)
    assert set(pinned.found("--probe", "--fix")) == {"probe-answers"}
    env = json.loads(settings_of(pinned.repo).read_text())["env"]
    assert env["CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS"] == "1"
    assert env["CLAUDE_CODE_DISABLE_THINKING"] == "1"
    assert env["CLAUDE_CODE_EFFORT_LEVEL"] == "auto"
    assert set(pinned.found()) == {"probe-answers"}
    pinned._cli("claude", cwd=pinned.repo)
    assert not settings_of(pinned.repo).exists()


@pytest.mark.parametrize(
    ("status", "code", "asked"), [(200, "key-good", True), (401, "key-refused", False), (500, None, True)]
)
def test_a_free_key_check_comes_first(
    pinned: Pinned, provider: Provider, status: int, code: str | None, asked: bool
) -> None:
    """A refused key costs nothing more; a check that fails says nothing."""
    provider.answers["/key"] = says(status, {})
    pinned.to(provider.url, key_check={"url": f"{provider.url}/key", "auth": "api-key"})
    assert set(pinned.found()) == ({code} if code else set()) | ({"probe-answers"} if asked else set())
    assert provider.requests[0].path == "/key"
    assert provider.requests[0].credentials == {"x-api-key": KEY}
    assert len(provider.requests) == (3 if asked else 1)


def test_an_endpoint_that_takes_any_key_is_not_believed(pinned: Pinned, provider: Provider) -> None:
    """Neither at its key check nor at its messages."""
    fields = {"answers_any_key": True, "key_check": {"url": f"{provider.url}/key"}}
    provider.answers["/key"] = says(200, {})
    pinned.to(provider.url, **fields)
    found = pinned.found()
    assert set(found) == {"probe-answers"}
    assert "nothing about the key" in found["probe-answers"]["message"]


def test_a_good_key_that_the_endpoint_refuses(pinned: Pinned, provider: Provider) -> None:
    """Then it is the header, or a firewall."""
    provider.answers["/key"] = says(200, {})
    provider.answer = error(401, "no")
    pinned.to(provider.url, key_check={"url": f"{provider.url}/key"})
    assert "key check takes the key" in pinned.found()["probe-refused"]["message"]


def test_the_key_check_is_left_out_at_another_host(pinned: Pinned, provider: Provider) -> None:
    """With a base URL of the user's own the key may be another's."""
    with Provider() as other:
        pinned.to(provider.url, "--base-url", other.url, key_check={"url": f"{provider.url}/key"})
        assert set(pinned.found("--probe", "--models")) == {"probe-answers", "no-list"}
        assert provider.requests == []


def test_tls_and_the_certificates_of_the_environment(pinned: Pinned, tmp_path: Path) -> None:
    """A certificate nobody knows is refused before the key goes out; two variables make it known."""
    certificate = tmp_path / "authority.pem"
    make_certificate(certificate, ("127.0.0.1",))
    with Provider(certificate=certificate) as provider:
        pinned.to(provider.url)
        found = pinned.found()["probe-tls"]
        assert "not tried" in found["message"]
        assert "NODE_EXTRA_CA_CERTS" in found["fix"]
        assert provider.requests == []
        for variable in ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"):
            pinned.environ[variable] = str(certificate)
            assert "probe-answers" in pinned.found()
            del pinned.environ[variable]


@pytest.mark.parametrize(("url", "code"), [("https://nothing.invalid", "probe-dns"), ("closed", "probe-refused")])
def test_a_host_that_is_not_there(pinned: Pinned, url: str, code: str) -> None:
    """No such name; nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    pinned.to(f"http://127.0.0.1:{port}" if url == "closed" else url)
    assert pinned.found()[code]["level"] == "error"


def test_the_proxy_of_the_environment(pinned: Pinned, tmp_path: Path) -> None:
    """HTTPS_PROXY is used and gets its own login only; the key is inside the tunnel. NO_PROXY and loopback pass by."""
    certificate = tmp_path / "authority.pem"
    make_certificate(certificate, ("provider.test",))
    with Internet(("provider.test",), certificate) as internet, Provider() as here:
        proxy = internet.url.replace("http://", "http://proxy-user:proxy-pass@")
        pinned.environ |= {"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy, "NODE_EXTRA_CA_CERTS": str(certificate)}
        pinned.to("https://provider.test/api")
        assert "probe-answers" in pinned.found()
        tunnels = [request for request in internet.requests if request.method == "CONNECT"]
        assert {request.headers["proxy-authorization"][:6] for request in tunnels} == {"Basic "}
        assert all("authorization" not in request.headers for request in tunnels)
        inside = internet.messages
        assert {(request.host, request.bearer) for request in inside} == {("provider.test", KEY)}
        assert all("proxy-authorization" not in request.headers for request in inside)
        internet.clear()
        pinned.environ["NO_PROXY"] = "provider.test"
        assert "probe-dns" in pinned.found()
        del pinned.environ["NO_PROXY"]
        pinned.to(here.url)
        assert "probe-answers" in pinned.found()
        assert internet.requests == []
        pinned.to("https://elsewhere.test")
        assert "probe-proxy" in pinned.found()


def ask(url: str, seconds: float, count: int = 1) -> list[replies.Reply]:
    """Send requests with a time limit."""
    texts = {"ANTHROPIC_BASE_URL": url}
    request = probe_request.message(texts, "test/big", {"authorization": f"Bearer {KEY}"})
    return probe.send_all([request] * count, seconds=seconds)


def silent(exchange: Exchange) -> None:
    """Wait for the end of the test."""
    exchange.server.over.wait(30)  # type: ignore[attr-defined]


def stalls(exchange: Exchange) -> None:
    """Begin well, and then wait."""
    exchange.send_response(200)
    exchange.send_header("Content-Type", "text/event-stream")
    exchange.end_headers()
    exchange.wfile.write(b"event: mess")
    silent(exchange)


def drips(exchange: Exchange) -> None:
    """Send a byte now and then, so that no single wait is long."""
    exchange.send_response(200)
    exchange.send_header("Content-Type", "text/event-stream")
    exchange.end_headers()
    while not exchange.server.over.wait(0.05):  # type: ignore[attr-defined]
        exchange.wfile.write(b".")


@pytest.mark.parametrize("answer", [silent, stalls, drips])
def test_a_slow_provider_ends_at_the_limit(provider: Provider, answer: Callable[[Exchange], None]) -> None:
    """For the whole of it, and for all requests together: they are sent in parallel."""
    provider.over = over = threading.Event()  # type: ignore[attr-defined]
    provider.answer = answer
    try:
        came = ask(provider.url, 2.0, count=5)
        assert {replies.judge(_asked(), reply).level for reply in came} == {"error"}
        wait_until(lambda: len(provider.requests) == 5, "five requests")  # on a busy machine they are read later
        assert not over.is_set()
    finally:
        over.set()


def _asked() -> replies.Asked:
    return replies.Asked(
        "x.example", "test/big", "opus", "x-api-key", "llmswitch x", "llmswitch save-key x", False, None
    )


def test_a_limit_names_the_page_and_who_could_take_over(
    pinned: Pinned, provider: Provider, sealed: dict[str, str]
) -> None:
    """Presets with another key that is known; none is switched to."""
    provider.answer = error(402, "pay")
    pinned.to(provider.url, key_url="https://mine.example/billing")
    sealed["LLMSWITCH_KEY_OPENROUTER"] = "sk-or-v1-0123456789abcdef"
    fix = pinned.found("--probe")["probe-limit"]["fix"]
    assert "https://mine.example/billing" in fix
    assert "Or switch: llmswitch " in fix
    assert "llmswitch mine" not in fix
    provider.answer = error(401, "no")
    refused = pinned.found("--probe")["probe-refused"]["fix"]
    assert "(keys: https://mine.example/billing), then: llmswitch mine" in refused
    assert "Or switch: llmswitch " in refused


MODELS = {"data": [{"id": "test/small"}, {"id": "test/bigger"}, {"id": "other/model"}]}


def test_models_that_are_no_longer_served(pinned: Pinned, provider: Provider) -> None:
    """With the nearest that is; a variant of a served one and [1m] are served, and an alias of the router's is."""
    provider.answer = says(200, MODELS)
    pinned.to(provider.url, models_url=f"{provider.url}/v1/models")
    found = pinned.found("--models")
    assert set(found) == {"model-gone"}
    assert "test/big (sonnet, opus, fable)" in found["model-gone"]["message"]
    assert "llmswitch mine --sonnet test/bigger --opus test/bigger" in found["model-gone"]["fix"]
    slots = {"haiku": "test/small:nitro", "sonnet": "test/bigger[1m]", "opus": "~test/latest"}
    pinned.to(provider.url, models_url=f"{provider.url}/v1/models", slots=slots)
    assert "models-served" in pinned.found("--models")
    assert {request.path for request in provider.requests} == {"/v1/models"}


@pytest.mark.parametrize("answer", [error(401, "no"), says(200, "<html>"), says(200, "[]"), cut])
def test_a_list_that_cannot_be_read(pinned: Pinned, provider: Provider, answer: Callable[[Exchange], None]) -> None:
    """No model is said to be gone."""
    provider.answer = answer
    pinned.to(provider.url, models_url=f"{provider.url}/v1/models")
    assert set(pinned.found("--models")) == {"models-unread"}
