"""The gateway on the wire, without Claude Code: what passes, what does not, and what it never does."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.gateway import (
    LIMIT,
    Pin,
    RunningGateway,
    Upstream,
    error,
    free_port,
    replying,
    route,
    send_chunk,
    start_stream,
)
from support.messages_server import Handler, Request

from llmswitch.gateway.client import place_id

KEYS = {slot: f"sk-test-{slot}-0123456789abcdef0123456789" for slot in ("haiku", "sonnet", "opus")}
BODY = {"model": "haiku-model", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """One gateway for these tests; what it keeps between requests is keys and connections."""
    netrc = "machine 127.0.0.1 login stray password stray-netrc\n"
    home = tmp_path_factory.mktemp("gw")
    (home / ".netrc").write_text(netrc)
    (home / ".netrc").chmod(0o600)
    with RunningGateway(home, KEYS, {"NETRC": str(home / ".netrc")}) as running:
        yield running


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A fake provider."""
    with Upstream() as running:
        yield running


@pytest.fixture
def other() -> Iterator[Upstream]:
    """Another fake provider."""
    with Upstream() as running:
        yield running


@pytest.fixture
def pin(gateway: RunningGateway, upstream: Upstream) -> Pin:
    """A pin with one slot, at the first provider."""
    return gateway.routes(**{"haiku-model": route(upstream)})


def test_each_model_reaches_its_upstream_with_that_key_only(
    gateway: RunningGateway, upstream: Upstream, other: Upstream
) -> None:
    """No other key and no gateway token in any header; `api-key` sends the key as x-api-key."""
    pin = gateway.routes(**{"haiku-model": route(upstream), "opus-model": route(other, "opus", auth="api-key")})
    for model in ("haiku-model", "opus-model"):
        assert pin.post({**BODY, "model": model}).status == 200
    assert [(request.bearer, request.api_key) for request in upstream.requests] == [(KEYS["haiku"], None)]
    assert [(request.bearer, request.api_key) for request in other.requests] == [(None, KEYS["opus"])]
    assert pin.token not in repr([upstream.requests, other.requests])


def test_a_keyless_upstream_gets_no_credential(gateway: RunningGateway, upstream: Upstream) -> None:
    """Neither the client's token, nor another's key, nor the one in ~/.netrc."""
    pin = gateway.routes(**{"haiku-model": route(upstream, key=None)})
    assert pin.post(BODY).status == 200
    assert (upstream.requests[0].bearer, upstream.requests[0].api_key) == (None, None)
    assert "authorization" not in upstream.requests[0].headers


def test_body_query_and_headers_pass_unchanged(pin: Pin, upstream: Upstream) -> None:
    """Bytes, unknown fields, order, user agent and the query arrive as they were sent."""
    body = '{"model": "haiku-model",\n "unknown" : 1.50, "é":"\\u00e9", "messages":[]}'.encode()
    headers = pin.headers(**{"User-Agent": "claude-cli/9", "anthropic-beta": "a,b", "X-Unknown": "1"})
    assert pin.post(body, pin.path + "?beta=true&x=%2F", headers).status == 200
    assert upstream.raw == [body]
    [request] = upstream.requests
    assert request.path == "/v1/messages?beta=true&x=%2F"
    sent = {name: request.headers.get(name) for name in ("user-agent", "anthropic-beta", "x-unknown")}
    assert sent == {"user-agent": "claude-cli/9", "anthropic-beta": "a,b", "x-unknown": "1"}


def test_what_only_concerns_the_client_stays_here(pin: Pin, upstream: Upstream) -> None:
    """Cookies, the forwarding headers of proxies, and what `Connection` names."""
    strays = {"Cookie": "s", "X-Forwarded-For": "s", "Forwarded": "s", "Via": "s", "X-Hop": "s"}
    pin.post(BODY, headers=pin.headers(**strays, Connection="close, X-Hop"))
    assert not {name.lower() for name in strays} & set(upstream.requests[0].headers)


def test_a_second_slot_with_the_same_id_gets_its_own_upstream(
    gateway: RunningGateway, upstream: Upstream, other: Upstream
) -> None:
    """The client sends `id@slot`; the upstream gets the id, and no other byte changes."""
    pin = gateway.routes(**{"m": route(upstream, model="m"), "m@opus": route(other, "opus", model="m")})
    pin.post(b'{"model":"m@opus","x":"\\"model\\":\\"m@opus\\""}')
    assert (upstream.raw, other.raw) == ([], [b'{"model":"m","x":"\\"model\\":\\"m@opus\\""}'])


def test_the_model_is_found_wherever_it_stands(pin: Pin, upstream: Upstream) -> None:
    """Behind other members too, and never inside a message."""
    body = b'{"messages":[{"role":"user","content":"\\"model\\":\\"x\\""}], "model" :"haiku-model"}'
    assert pin.post(body).status == 200
    assert upstream.raw == [body]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"model":5}', b'{"x":1}', b'{"x":1,"model":"a","model":"b"}', b"\xff"])
def test_a_body_that_names_no_model_is_refused(pin: Pin, upstream: Upstream, body: bytes) -> None:
    """In the client's shape, and nobody is asked."""
    assert pin.post(body).status == 400
    assert upstream.requests == []


def test_an_unknown_model_is_refused_without_asking_anyone(pin: Pin, upstream: Upstream) -> None:
    """404, which the client shows as a matter of the model."""
    assert pin.post({**BODY, "model": "claude-opus-5-5"}).status == 404
    assert upstream.requests == []


def test_a_stream_passes_byte_for_byte(pin: Pin, upstream: Upstream) -> None:
    """Unknown events, odd spacing, comments and headers included."""
    frames = [
        b'event: message_start\ndata: {"a" :1}\n\n',
        b": ping\n\n",
        b"event: unheard-of\r\ndata: \xc3\xa9\r\n\r\n",
    ]

    def stream(handler: Handler, request: Request) -> bool:
        start_stream(handler, {"anthropic-ratelimit-requests-remaining": "7", "request-id": "r1", "Set-Cookie": "s=1"})
        for frame in [*frames, b""]:
            send_chunk(handler, frame)
        return True

    upstream.behaviour = stream
    reply = pin.post({**BODY, "stream": True})
    assert reply.body == b"".join(frames)
    kept = reply.headers
    assert (kept["anthropic-ratelimit-requests-remaining"], kept["request-id"]) == ("7", "r1")
    assert "set-cookie" not in kept


def test_each_event_passes_at_once(pin: Pin, upstream: Upstream) -> None:
    """The next event is sent only when the one before it has arrived."""
    arrived = threading.Semaphore(0)
    late = []

    def stream(handler: Handler, request: Request) -> bool:
        start_stream(handler)
        for number in range(5):
            send_chunk(handler, f"data: {number}\n\n".encode())
            late.append(not arrived.acquire(timeout=LIMIT))
        send_chunk(handler, b"")
        return True

    upstream.behaviour = stream
    connection = pin.connect()
    connection.request("POST", pin.path, json.dumps(BODY), pin.headers())
    response = connection.getresponse()
    for number in range(5):
        assert response.read1(100) == f"data: {number}\n\n".encode()
        arrived.release()
    assert response.read() == b""
    connection.close()
    assert late == [False] * 5


def test_a_compressed_answer_stays_compressed(pin: Pin, upstream: Upstream) -> None:
    """As the client asked for it."""
    packed = zlib.compress(b'{"type":"message"}')
    upstream.behaviour = replying(200, packed, {"Content-Encoding": "deflate"})
    reply = pin.post(BODY, headers=pin.headers(**{"Accept-Encoding": "deflate"}))
    assert (reply.body, reply.headers["content-encoding"]) == (packed, "deflate")
    assert upstream.requests[0].headers["accept-encoding"] == "deflate"


@pytest.mark.parametrize("status", [400, 404, 413, 429, 500, 503, 529])
def test_an_error_passes_as_it_is(pin: Pin, upstream: Upstream, status: int) -> None:
    """Status, body, retry-after and request id; one request, no retry."""
    body = json.dumps(error("some_error", f"it says {status}")).encode()
    upstream.behaviour = replying(status, body, {"retry-after": "3", "request-id": "r1", "x-should-retry": "true"})
    reply = pin.post(BODY)
    assert (reply.status, reply.body) == (status, body)
    assert [reply.headers[name] for name in ("retry-after", "request-id", "x-should-retry")] == ["3", "r1", "true"]
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(("status", "kind"), [(401, "authentication_error"), (403, "permission_error")])
def test_a_refused_key_is_named_in_words_that_are_not_about_a_login(
    gateway: RunningGateway, upstream: Upstream, status: int, kind: str
) -> None:
    """Claude Code takes `invalid x-api-key` and `OAuth` for its own login, and says: Please run /login."""
    pin = gateway.routes(**{"haiku-model": route(upstream)})
    upstream.behaviour = replying(status, error(kind, "invalid x-api-key"), {"request-id": "r1"})
    reply = pin.post(BODY)
    assert (reply.status, reply.headers["request-id"], reply.headers["x-should-retry"]) == (status, "r1", "false")
    assert json.loads(reply.body)["error"]["type"] == kind
    host = upstream.url.removeprefix("http://")
    after = " What to do: llmswitch gateway status" if status == 401 else ""
    assert reply.message == f"{host} (slot haiku) refused the haiku key ({status}).{after}"


def test_a_403_that_has_another_reason_tells_it(gateway: RunningGateway, upstream: Upstream) -> None:
    """Without what may be part of a key."""
    pin = gateway.routes(**{"haiku-model": route(upstream)})
    upstream.behaviour = replying(403, error("permission_error", f"flagged {KEYS['haiku']}"))
    message = pin.post(BODY).message
    assert message.endswith("It says: flagged ********")


def test_a_refused_key_is_not_shown_again_at_once(gateway: RunningGateway, upstream: Upstream) -> None:
    """With a key helper Claude Code asks several times again after a 401: the upstream sees one."""
    pin = gateway.routes(**{"haiku-model": route(upstream)})
    upstream.behaviour = replying(401, error("authentication_error", "no"))
    assert [pin.post(BODY).status for _ in range(3)] == [401, 401, 401]
    assert len(upstream.requests) == 1


def test_a_missing_key_is_named_with_the_command_that_saves_it(gateway: RunningGateway, upstream: Upstream) -> None:
    """With a status that the client shows at once and does not repeat."""
    pin = gateway.routes(**{"haiku-model": route(upstream, key="absent")})
    reply = pin.post(BODY)
    assert (reply.status, reply.headers["x-should-retry"]) == (424, "false")
    assert "llmswitch save-key absent" in reply.message
    assert upstream.requests == []


def test_a_key_never_goes_where_https_is_missing(gateway: RunningGateway) -> None:
    """Even if the file of routes says so."""
    reply = gateway.routes(**{"haiku-model": route("http://provider.example")}).post(BODY)
    assert reply.status == 424
    assert "https" in reply.message


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused(pin: Pin, upstream: Upstream, other: Upstream, status: int) -> None:
    """And the host it names is never asked."""
    upstream.behaviour = replying(status, b"", {"Location": f"{other.url}/v1/messages"})
    reply = pin.post(BODY)
    assert (reply.status, other.requests) == (502, [])
    assert "location" not in reply.headers


def test_a_dead_upstream_is_named(gateway: RunningGateway) -> None:
    """502, with host and slot."""
    port = free_port()
    reply = gateway.routes(**{"haiku-model": route(f"http://127.0.0.1:{port}")}).post(BODY)
    assert reply.status == 502
    assert reply.message.startswith(f"127.0.0.1:{port} (slot haiku) cannot be reached")


def test_a_cut_in_a_stream_is_a_cut_for_the_client(pin: Pin, upstream: Upstream) -> None:
    """Never a clean end, with or without a length."""

    def chunked(handler: Handler, request: Request) -> bool:
        start_stream(handler)
        send_chunk(handler, b"data: 1\n\n")
        handler.connection.shutdown(socket.SHUT_RDWR)
        return True

    def cut_off(length: int, sent: bytes) -> Callable[[Handler, Request], bool]:
        def behave(handler: Handler, request: Request) -> bool:
            handler.send_response(200)
            handler.send_header("Content-Length", str(length))
            handler.end_headers()
            handler.wfile.write(sent)
            handler.wfile.flush()
            handler.connection.shutdown(socket.SHUT_RDWR)
            return True

        return behave

    for behaviour in (chunked, cut_off(100_000, b"data: 1\n\n")):
        upstream.behaviour = behaviour
        with pytest.raises(http.client.IncompleteRead) as caught:
            pin.post(BODY)
        assert caught.value.partial == b"data: 1\n\n"
    upstream.behaviour = cut_off(100, b"")
    assert pin.post(BODY).status == 502  # nothing of it was passed on yet


def test_a_client_that_goes_takes_its_upstream_request_along(pin: Pin, upstream: Upstream) -> None:
    """Also while the upstream says nothing."""
    gone = threading.Event()

    def silent(handler: Handler, request: Request) -> bool:
        start_stream(handler)
        send_chunk(handler, b"data: 1\n\n")
        handler.connection.settimeout(LIMIT)
        if handler.connection.recv(1) == b"":
            gone.set()
        handler.close_connection = True
        return True

    upstream.behaviour = silent
    connection = pin.connect()
    connection.request("POST", pin.path, json.dumps(BODY), pin.headers())
    response = connection.getresponse()
    assert response.read1(100)
    response.close()
    connection.close()
    assert gone.wait(LIMIT)


def raw(pin: Pin, lines: list[str], method: str = "POST") -> bytes:
    """Send a request with exactly these headers and return the answer's first line and headers."""
    with socket.create_connection(("127.0.0.1", pin.gateway.port), LIMIT) as connection:
        head = [f"{method} {pin.path} HTTP/1.1", *lines, "Content-Length: 0", "Connection: close", "", ""]
        connection.sendall("\r\n".join(head).encode())
        received = b""
        while data := connection.recv(65536):
            received += data
    return received


def test_only_the_right_host_name_is_answered(pin: Pin) -> None:
    """Against DNS rebinding: another name, another port and none are refused."""
    token, port = f"x-api-key: {pin.token}", pin.gateway.port
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", "127.0.0.1:1", f"[::1]:{port}"):
        assert raw(pin, [f"Host: {host}", token]).startswith(b"HTTP/1.1 403"), host
    for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
        assert raw(pin, [f"Host: {host}", token]).startswith(b"HTTP/1.1 400"), host  # the empty body


@pytest.mark.parametrize("line", ["Origin: http://127.0.0.1", "Origin: null", "Sec-Fetch-Site: cross-site"])
@pytest.mark.parametrize("method", ["POST", "OPTIONS", "GET"])
def test_no_web_page_is_answered(pin: Pin, line: str, method: str) -> None:
    """No CORS header, ever; a preflight is refused."""
    answer = raw(pin, [f"Host: 127.0.0.1:{pin.gateway.port}", f"x-api-key: {pin.token}", line], method)
    assert answer.startswith(b"HTTP/1.1 403")
    assert b"access-control" not in answer.lower()


def test_no_answer_without_the_token_of_these_routes(gateway: RunningGateway, upstream: Upstream) -> None:
    """None, a wrong one, an odd one, and the token of other routes."""
    pin = gateway.routes(**{"haiku-model": route(upstream)})
    stranger = gateway.routes(other=route(upstream))
    for token in ("", "x", "é", pin.token[:-1], pin.token + "0", stranger.token):
        assert pin.post(BODY, headers={"x-api-key": token.encode().decode("latin-1")}).status == 401
    assert pin.post(BODY, headers={}).status == 401
    assert pin.post(BODY, headers={"Authorization": f"Bearer {pin.token}"}).status == 200
    assert len(upstream.requests) == 1


def test_requests_are_counted_by_the_worktree_whose_helper_got_the_token(
    gateway: RunningGateway, upstream: Upstream
) -> None:
    """Two worktrees share a pin's routes; a token that was made up for another place is none."""
    pin = gateway.routes(**{"haiku-model": route(upstream, model="worktrees")})
    tokens = {root: gateway.local.token(pin.name, root) for root in ("/a", "/b", "")}
    for root, times in {"/a": 2, "/b": 1, "": 1}.items():
        for _ in range(times):
            assert pin.post(BODY, headers={"x-api-key": tokens[root]}).status == 200
    status = gateway.local.status()
    assert status
    pins: Any = status["pins"]
    counted = {place: row["requests"] for place, row in pins[pin.name]["worktrees"].items()}
    assert counted == {place_id("/a"): 2, place_id("/b"): 1, "": 1}
    for wrong in (place_id("/b") + tokens["/a"][16:], tokens["/a"][16:], place_id("/a") + tokens[""], "x" * 80):
        headers = {"x-api-key": wrong, "Authorization": f"Bearer {wrong}"}
        assert pin.post(BODY, headers=headers).status == 401


def test_other_paths_and_methods_are_not_served(pin: Pin, upstream: Upstream) -> None:
    """The messages of a pin, and counting their tokens."""
    base = pin.path.removesuffix("/v1/messages")
    for path in ("/", base, f"{base}/v1/models", "/v1/messages", f"{base}/../{pin.name}/v1/messages", "/status"):
        assert pin.post(BODY, path).status == 404, path
    assert pin.post(b"", method="GET").status == 405
    assert pin.post(BODY, pin.path + "/count_tokens").status == 200
    assert [request.path for request in upstream.requests] == ["/v1/messages/count_tokens"]


def test_a_body_beyond_64_mib_is_refused(pin: Pin, upstream: Upstream) -> None:
    """By what it says of its length, and by its length; in the client's shape."""
    connection = pin.connect()
    connection.putrequest("POST", pin.path)
    for name, value in {**pin.headers(), "Content-Length": str(64 * 1024**2 + 1)}.items():
        connection.putheader(name, value)
    connection.endheaders()
    reply = connection.getresponse()
    assert (reply.status, json.loads(reply.read())["error"]["type"]) == (413, "request_too_large")
    connection.close()
    chunks = (b"x" * 1024**2 for _ in range(66))
    connection = pin.connect()
    try:
        connection.request("POST", pin.path, chunks, pin.headers(), encode_chunked=True)
        assert connection.getresponse().status == 413
    except (BrokenPipeError, ConnectionResetError):
        pass  # it need not read on to the end
    connection.close()
    assert upstream.requests == []


def test_routes_that_are_gone_are_said_so(gateway: RunningGateway, pin: Pin) -> None:
    """The pin is there, its file is not."""
    (gateway.home / "state" / "gateway" / "routes" / f"{pin.name}.json").unlink()
    assert pin.post(BODY).status == 424


def test_it_listens_on_loopback_only(gateway: RunningGateway) -> None:
    """One socket, on 127.0.0.1."""
    tables = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    listening = [line.split()[1] for line in tables.splitlines() if line.split()[3] == "0A"]
    assert [where for where in listening if where.endswith(f":{gateway.port:04X}")] == [f"0100007F:{gateway.port:04X}"]


def test_no_key_and_no_token_shows_outside(gateway: RunningGateway, pin: Pin) -> None:
    """Not in the log, the arguments, the control socket's status, or any file; a core would be empty."""
    assert pin.post(BODY).status == 200
    shown = gateway.log.read_bytes()
    for pid in (gateway.process.pid, gateway.pid):
        process = Path("/proc", str(pid))
        shown += process.joinpath("cmdline").read_bytes() + process.joinpath("environ").read_bytes()
        assert "Max core file size        0                    0" in process.joinpath("limits").read_text()
    shown += json.dumps(gateway.local.status()).encode()
    files = [path for path in gateway.home.rglob("*") if path.is_file()]
    shown += b"".join(path.read_bytes() for path in files)
    for secret in (*KEYS.values(), pin.token):
        assert secret.encode() not in shown


def test_only_this_user_can_ask_it_for_tokens(gateway: RunningGateway) -> None:
    """The socket, its folder and the routes are private."""
    gateway.routes(**{"haiku-model": route("http://127.0.0.1:1")})
    folder = gateway.home / "state" / "gateway"
    paths = [folder, folder / "control", folder / "routes", *(folder / "routes").iterdir()]
    assert {path.stat().st_mode & 0o077 for path in paths} == {0}


def test_on_sigterm_running_answers_end_and_new_ones_are_not_begun(tmp_path: Path, upstream: Upstream) -> None:
    """Exit code 0, the stream whole, and the control socket gone."""
    stopping = threading.Event()

    def stream(handler: Handler, request: Request) -> bool:
        start_stream(handler)
        send_chunk(handler, b"data: 1\n\n")
        assert stopping.wait(LIMIT)
        send_chunk(handler, b"data: 2\n\n")
        send_chunk(handler, b"")
        return True

    upstream.behaviour = stream
    with RunningGateway(tmp_path / "g", KEYS) as gateway:
        pin = gateway.routes(**{"haiku-model": route(upstream)})
        connection = pin.connect()
        connection.request("POST", pin.path, json.dumps(BODY), pin.headers())
        response = connection.getresponse()
        assert response.read1(100) == b"data: 1\n\n"
        gateway.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + LIMIT
        while gateway.local.status():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        _until_refused(gateway.port)
        stopping.set()
        assert response.read() == b"data: 2\n\n"
        connection.close()
        assert gateway.process.wait(LIMIT) == 0
    assert not Path(gateway.local.socket).exists()


def _until_refused(port: int) -> None:
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            return
        except ConnectionResetError:
            pass
        time.sleep(0.01)
    raise AssertionError("it still takes connections")
