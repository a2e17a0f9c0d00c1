"""`gateway export litellm`: what it writes, and that a LiteLLM proxy started with it serves the real client."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, require
from support.claude_client import ClaudeClient, require_program
from support.databases import postgres, query, redis
from support.gateway import Upstream, free_port
from support.messages_server import say
from support.openai_server import OpenAiUpstream, text
from support.programs import absent
from support.tree import ROOT

PROXY = ROOT / ".cache" / "litellm-1.106.2" / "bin" / "litellm"
PRISMA = ROOT / ".cache" / "litellm-1.106.2-prisma"
PRICE = {"input": 3.0, "output": 15.0, "as_of": "2026-11-01", "source": "https://prices.example"}
KEYS = {slot: f"sk-test-{slot}-0123456789abcdef0123456789" for slot in ("haiku", "sonnet", "opus")}
MASTER = "sk-master-0123456789abcdef0123456789"
START_SECONDS = 200.0  # on a machine that is busy it took 72


def write_preset(home: Path, name: str, fields: dict[str, Any]) -> dict[str, str]:
    """Write a preset of the user's and return the environment in which llmswitch finds it."""
    (home / "presets").mkdir(parents=True, exist_ok=True)
    (home / "presets" / f"{name}.json5").write_text(json.dumps(fields))
    return {"LLMSWITCH_HOME": str(home)}


def config_of(text: str) -> dict[str, Any]:
    """Return what stands in config.yaml."""
    config: dict[str, Any] = json.loads("".join(line for line in text.splitlines(True) if not line.startswith("#")))
    return config


def test_it_holds_references_and_no_key(cli: Cli, tmp_path: Path) -> None:
    """Each place as it is in the preset; two slots that share an id stay two."""
    places = {
        "haiku": {"model": "m", "base_url": "https://a.example", "key": "first"},
        "sonnet": {"model": "m", "base_url": "https://b.example/v1", "key": "second-1", "protocol": "openai"},
        "opus": {"model": "o", "base_url": "http://localhost:1"},
    }
    environ = write_preset(tmp_path / "own", "three", {"slots": places})
    keys = {"LLMSWITCH_KEY_FIRST": "sk-first-0123456789abcdef"}
    reply = cli("gateway", "export", "litellm", "three", "-o", "out", env={**environ, **keys}, cwd=tmp_path)
    assert reply.code == 0, reply
    variables = "LLMSWITCH_KEY_FIRST, LLMSWITCH_KEY_SECOND_1, LITELLM_MASTER_KEY"
    assert reply.err == f"The proxy needs these variables: {variables}.\n"
    written = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert "sk-first" not in "".join(written.values())
    models = {one["model_name"]: one["litellm_params"] for one in config_of(written["config.yaml"])["model_list"]}
    assert models == {
        "m": {"model": "openai/m", "api_base": "https://a.example", "api_key": "os.environ/LLMSWITCH_KEY_FIRST"},
        "m@sonnet": {
            "model": "hosted_vllm/m", "api_base": "https://b.example/v1",
            "api_key": "os.environ/LLMSWITCH_KEY_SECOND_1",
        },
        "o": {"model": "openai/o", "api_base": "http://localhost:1", "api_key": "none"},
    }  # fmt: skip
    assert json.loads(written["team.json5"])["slots"]["sonnet"] == "m@sonnet"
    again = cli("gateway", "export", "litellm", "three", "-o", "out", env=environ, cwd=tmp_path)
    assert (again.code, "already" in again.err) == (1, True)


def test_for_a_team_there_are_a_database_and_virtual_keys_with_budgets(cli: Cli, tmp_path: Path) -> None:
    """All pinned, nothing secret; the script passes the master key by no argument."""
    out = tmp_path / "out"
    assert cli("gateway", "export", "litellm", "openrouter", "--team", "-o", str(out)).code == 0
    written = (out / "config.yaml").read_text()
    assert "pip install" not in written  # what pip installs has no Prisma, and stops where there is a database
    assert config_of(written)["general_settings"] == {
        "master_key": "os.environ/LITELLM_MASTER_KEY",
        "database_url": "os.environ/DATABASE_URL",
    }
    images = [line.split()[1] for line in (out / "compose.yaml").read_text().splitlines() if "image:" in line]
    assert len(images) == 3
    assert not [image for image in images if image.endswith(("latest", "main-stable")) or ":" not in image]
    require(absent("curl"))
    with Upstream(lambda _: []) as proxy:
        done = subprocess.run(
            ["sh", str(out / "new-key"), "ada", "20"], capture_output=True, text=True,
            env={"PATH": os.environ["PATH"], "LITELLM_URL": proxy.url, "LITELLM_MASTER_KEY": MASTER},
        )  # fmt: skip
        [request] = proxy.requests
    assert done.returncode != 0  # the fake knows no such path, and the script says so
    assert (request.path, request.bearer) == ("/key/generate", MASTER)
    wanted = {"key_alias": "ada", "max_budget": 20, "budget_duration": "30d"}
    assert {name: request.body[name] for name in wanted} == wanted
    assert "google/gemini-2.5-pro" in request.body["models"]
    assert os.access(out / "new-key", os.X_OK)


def test_every_entry_has_its_price_so_that_a_budget_bounds_something(cli: Cli, tmp_path: Path) -> None:
    """In USD per token; what has no known price is named."""
    out = tmp_path / "out"
    reply = cli("gateway", "export", "litellm", "openrouter", "--team", "-o", str(out))
    models = config_of((out / "config.yaml").read_text())["model_list"]
    priced = {one["model_name"] for one in models if one["model_info"].get("input_cost_per_token", 0) > 0}
    assert priced == {one["model_name"] for one in models}
    assert "no known price" not in reply.err
    places = {"haiku": {"model": "m", "base_url": "https://a.example", "key": "first"}}
    environ = write_preset(tmp_path / "own", "odd", {"slots": {**places, "sonnet": "m", "opus": "m"},
                                                     "base_url": "https://b.example", "key": "second"})  # fmt: skip
    reply = cli("gateway", "export", "litellm", "odd", "--team", "-o", str(tmp_path / "two"), env=environ)
    assert "m has no known price: its budget counts nothing" in reply.err


def test_a_preset_without_an_endpoint_is_refused(cli: Cli) -> None:
    """There is nothing a proxy could stand in front of."""
    assert cli("gateway", "export", "litellm", "claude").code == 2


@pytest.fixture(scope="module")
def proxy_program() -> Path:
    """The LiteLLM of the cache."""
    require(None if PROXY.exists() else "no LiteLLM proxy: run scripts/long/litellm")
    return PROXY


@contextmanager
def running(program: Path, config: Path, home: Path, more: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run the proxy on loopback and yield its URL."""
    port = free_port()
    environ = {f"LLMSWITCH_KEY_{slot.upper()}": key for slot, key in KEYS.items()}
    environ |= {"PATH": os.environ["PATH"], "HOME": str(home), "LITELLM_MASTER_KEY": MASTER, "NO_PROXY": "*"}
    environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LANG": "C.UTF-8", **(more or {})}
    arguments = ["--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
    log = home / "litellm.log"
    with log.open("wb") as file, subprocess.Popen(
        [program, *arguments], env=environ, cwd=home, stdout=file, stderr=file
    ) as process:  # fmt: skip
        try:
            _until_alive(f"http://127.0.0.1:{port}/health/liveliness", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _until_alive(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_proxy_started_with_it_serves_each_slot_of_the_real_client(
    cli: Cli, repo: Path, tmp_path: Path, proxy_program: Path
) -> None:
    """Each provider gets its own key; the developer uses an ordinary preset, with the proxy's key from `save-key`."""
    program = require_program()
    with (
        Upstream(lambda _: [say("from haiku")]) as haiku,
        Upstream(lambda _: [say("from sonnet")]) as sonnet,
        OpenAiUpstream(text("from opus"), strict=False) as opus,
    ):
        providers: dict[str, Upstream] = {"haiku": haiku, "sonnet": sonnet, "opus": opus}
        environ = write_preset(tmp_path / "own", "second", {"base_url": sonnet.url, "key": "sonnet", "auth": "api-key"})
        slots: dict[str, Any] = {
            "haiku": {"model": "v/haiku", "base_url": haiku.url, "key": "haiku"},
            "sonnet": {"model": "v/sonnet", "preset": "second"},
            "opus": {"model": "v/opus", "base_url": opus.url + "/v1", "key": "opus", "protocol": "openai"},
        }
        write_preset(tmp_path / "own", "three", {"slots": slots})
        out = tmp_path / "out"
        assert cli("gateway", "export", "litellm", "three", "-o", str(out), env=environ).code == 0
        with running(proxy_program, out / "config.yaml", tmp_path) as url:
            team = json.loads((out / "team.json5").read_text())
            write_preset(tmp_path / "own", "team", {**team, "base_url": url})
            assert cli("team", cwd=repo, env={**environ, "LLMSWITCH_KEY_TEAM": MASTER}).code == 0
            client = ClaudeClient(program, tmp_path / "user", tmp_path / "tmp")
            for slot in providers:
                outcome = client.run(repo, "--model", slot)
                assert (outcome.returncode, outcome.result["result"]) == (0, f"from {slot}"), outcome
        seen = {slot: {(one.bearer, one.api_key) for one in provider.requests} for slot, provider in providers.items()}
        assert seen == {
            "haiku": {(KEYS["haiku"], None)},
            "sonnet": {(None, KEYS["sonnet"])},
            "opus": {(KEYS["opus"], None)},
        }
    assert stat.S_IMODE((repo / ".claude" / "settings.local.json").stat().st_mode) == 0o600


def ask(url: str, key: str, model: str) -> tuple[int, str]:
    """Ask a proxy for a message, streamed as the client wants it, and return the status and what it said."""
    body = {"model": model, "max_tokens": 5, "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    headers = {"x-api-key": key, "Content-Type": "application/json", "anthropic-version": "2023-06-01"}
    asked = urllib.request.Request(f"{url}/v1/messages", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def new_key(script: Path, url: str, name: str, budget: str) -> dict[str, Any]:
    """Make a virtual key with the exported script."""
    environ = {"PATH": os.environ["PATH"], "LITELLM_URL": url, "LITELLM_MASTER_KEY": MASTER}
    done = subprocess.run(["sh", str(script), name, budget], env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(done.stdout)
    return made


@contextmanager
def database(folder: Path) -> Iterator[dict[str, str]]:
    """Run a Postgres with LiteLLM's tables and yield the variables that the proxy finds it by, and Prisma."""
    require(None if (PRISMA / "installed").exists() else "no Prisma for the LiteLLM proxy: run scripts/long/litellm")
    require(absent("node"))
    [packages] = PROXY.parent.parent.glob("lib/python3*/site-packages")
    migrations = sorted(packages.glob("litellm_proxy_extras/migrations/*/migration.sql"))
    with postgres(folder) as url:
        query(url, "".join(path.read_text() for path in migrations))
        yield {
            "DATABASE_URL": url,
            "LITELLM_SALT_KEY": "sk-salt-0123456789abcdef0123456789",
            "PYTHONPATH": str(PRISMA / "python"),
            "PRISMA_BINARY_CACHE_DIR": str(PRISMA),
            "PRISMA_QUERY_ENGINE_BINARY": str(ROOT / "tests" / "support" / "prisma_engine.js"),
            "NODE_PATH": str(PRISMA / "node_modules"),
            # What brings the tables up to date is one more program from Prisma's host, in place of which psql ran.
            "PRISMA_SCHEMA_ENGINE_BINARY": "/bin/false",
            "DISABLE_SCHEMA_UPDATE": "true",
        }


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_used_up_key_stops_each_slot_with_real_postgres_and_redis_where_webassembly_stands_in_for_prismas_binary(
    cli: Cli, tmp_path: Path, proxy_program: Path
) -> None:
    """A key of the exported script has spent what the slot's own price makes it, and is then stopped on every slot."""
    require(absent("curl", "redis-cli"))
    with (
        Upstream(lambda _: [say("from haiku")]) as haiku,
        Upstream(lambda _: [say("from sonnet")]) as sonnet,
        OpenAiUpstream(text("from opus"), strict=False) as opus,
        redis(tmp_path) as redis_port,
        database(tmp_path) as found,
    ):
        places: dict[str, Any] = {
            "haiku": {"base_url": haiku.url, "key": "haiku"},
            "sonnet": {"base_url": sonnet.url, "key": "sonnet", "auth": "api-key"},
            "opus": {"base_url": f"{opus.url}/v1", "key": "opus", "protocol": "openai"},
        }
        prices = {f"v/{slot}": {**PRICE, "input": 1.0 + number} for number, slot in enumerate(places)}
        # In millionths: the one fake counts 1 token in and 1 out, the other 9 and 3.
        costs = {"haiku": 1.0 + 15.0, "sonnet": 2.0 + 15.0, "opus": 9 * 3.0 + 3 * 15.0}
        for slot, place in places.items():
            write_preset(tmp_path / "own", f"at-{slot}", {**place, "prices": "house"})
        slots = {slot: {"model": f"v/{slot}", "preset": f"at-{slot}"} for slot in places}
        environ = write_preset(tmp_path / "own", "three", {"slots": slots})
        (tmp_path / "own" / "prices.json").write_text(json.dumps({"providers": {"house": prices}}))
        out = tmp_path / "out"
        reply = cli("gateway", "export", "litellm", "three", "--team", "-o", str(out), env=environ)
        assert (reply.code, "no known price" in reply.err) == (0, False), reply
        more = {**found, "REDIS_HOST": "127.0.0.1", "REDIS_PORT": redis_port}
        with running(proxy_program, out / "config.yaml", tmp_path, more) as url:
            keys = {slot: new_key(out / "new-key", url, slot, "0.000001") for slot in places}
            for slot, made in keys.items():
                status, said = ask(url, made["key"], f"v/{slot}")
                assert (status, "text_delta" in said) == (200, True), said
            spent = 'SELECT key_alias, round(spend * 1e6) FROM "LiteLLM_VerificationToken" WHERE spend > 0'
            deadline = time.monotonic() + START_SECONDS
            # It is written every ten seconds or so.
            while len(rows := query(found["DATABASE_URL"], spent)) < len(places):
                assert time.monotonic() < deadline, f"what was spent is not in Postgres: {rows}"
                time.sleep(0.2)
            assert {slot: float(micros) for slot, micros in rows} == costs
            for slot, made in keys.items():
                counter = ["redis-cli", "-p", redis_port, "get", f"spend:key:{made['token']}"]
                value = subprocess.run(counter, capture_output=True, text=True, check=True).stdout
                assert float(value) * 1e6 == pytest.approx(costs[slot])
                for other in places:
                    status, said = ask(url, made["key"], f"v/{other}")
                    assert (status, "Budget has been exceeded" in said) == (422, True), said
        # Of what was stopped no provider knows.
        answered = [[one.model for one in provider.requests if one.model] for provider in (haiku, sonnet, opus)]
        assert answered == [["v/haiku"], ["v/sonnet"], ["v/opus"]]
