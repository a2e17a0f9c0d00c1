"""What the gateway holds of keys: the newest, none that is gone, and none for longer than was wanted."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.gateway import LIMIT, Pin, RunningGateway, Upstream, route
from support.tree import ROOT, SOURCE

from llmswitch.base.secret import Secret
from llmswitch.gateway.vault import Vault
from llmswitch.presets.routes import Route

KEYS = [f"sk-test-{number}-0123456789abcdef0123456789" for number in range(3)]
BODY = {"model": "haiku-model", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    """A gateway that takes its keys from a keyring, which the commands change."""
    path = os.pathsep.join([SOURCE, str(ROOT / "tests" / "support")])
    keyring = {"PYTHON_KEYRING_BACKEND": "file_keyring.Keyring", "PYTHONPATH": path}
    with RunningGateway(tmp_path / "g", environ=keyring) as running:
        yield running


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A fake provider."""
    with Upstream() as running:
        yield running


@pytest.fixture
def pin(gateway: RunningGateway, upstream: Upstream) -> Pin:
    """A pin whose one slot lives there."""
    return gateway.routes(**{"haiku-model": route(upstream)})


def typed(gateway: RunningGateway, *words: str, text: str = "") -> str:
    """Return what a command says."""
    argv = [sys.executable, "-m", "llmswitch", *words]
    done = subprocess.run(
        argv, env=gateway.environ, cwd=gateway.home, input=text, capture_output=True, text=True, timeout=LIMIT
    )
    assert done.returncode == 0, done
    return done.stdout + done.stderr


def shown(upstream: Upstream, pin: Pin) -> tuple[int, str | None]:
    """Ask once; return the status, and the key that the provider saw, None where it was not asked."""
    before = len(upstream.requests)
    status = pin.post(BODY).status
    return status, upstream.requests[-1].bearer if len(upstream.requests) > before else None


def test_a_rotated_key_is_used_and_a_deleted_one_forgotten_from_the_next_request_on(
    gateway: RunningGateway, upstream: Upstream, pin: Pin
) -> None:
    """The commands tell the gateway that runs."""
    typed(gateway, "save-key", "haiku", text=KEYS[0])
    assert shown(upstream, pin) == (200, KEYS[0])
    assert "takes the new key from its next request on" in typed(gateway, "save-key", "haiku", text=KEYS[1])
    assert shown(upstream, pin) == (200, KEYS[1])
    typed(gateway, "keys", "delete", "haiku")
    assert (gateway.local.status() or {})["keys"] == []
    assert shown(upstream, pin) == (424, None)
    typed(gateway, "save-key", "haiku", text=KEYS[2])
    assert shown(upstream, pin) == (200, KEYS[2])


def test_lock_forgets_all_keys(gateway: RunningGateway, upstream: Upstream, pin: Pin) -> None:
    """Each is asked for again when it is needed."""
    typed(gateway, "save-key", "haiku", text=KEYS[0])
    assert shown(upstream, pin) == (200, KEYS[0])
    assert "Keys in its memory: haiku." in typed(gateway, "gateway", "status")
    assert "has forgotten 1 key;" in typed(gateway, "gateway", "lock")
    assert "Keys in its memory: none yet." in typed(gateway, "gateway", "status")
    assert shown(upstream, pin) == (200, KEYS[0])


@pytest.mark.parametrize("idle", [0.0, 0.02])
def test_keys_are_forgotten_when_none_was_used_for_a_while(idle: float) -> None:
    """Where a time is set; from each use on."""

    async def main() -> None:
        vault = Vault(lambda route: Secret(KEYS[0]), idle)
        place = Route("haiku", "m", "https://a.example", key="haiku", auth="bearer", protocol="anthropic", preset=None)
        for _ in range(3):
            assert await vault.get(place)
            if not idle:
                assert vault.names == ["haiku"]
            else:
                async with asyncio.timeout(LIMIT):
                    while vault.names:
                        await asyncio.sleep(0.005)
        await asyncio.sleep(0.1)
        assert vault.names == ([] if idle else ["haiku"])

    asyncio.run(main())


def test_a_key_whose_fetch_takes_longer_than_the_time_to_forget_is_forgotten_too() -> None:
    """Once it is there; a keyring that has to be unlocked is asked once."""

    async def main() -> None:
        loop, asked = asyncio.get_running_loop(), []

        def find(route: Route) -> Secret:
            asked.append(route)
            over = threading.Event()
            loop.call_soon_threadsafe(lambda: loop.call_later(0.04, over.set))  # behind the vault's own timer
            assert over.wait(LIMIT)
            return Secret(KEYS[0])

        vault = Vault(find, 0.02)
        place = Route("haiku", "m", "https://a.example", key="haiku", auth="bearer", protocol="anthropic", preset=None)
        async with asyncio.timeout(LIMIT):
            assert await vault.get(place)
            while vault.names:
                await asyncio.sleep(0.005)
        assert len(asked) == 1

    asyncio.run(main())


def test_a_key_that_was_renewed_while_it_was_fetched_is_fetched_again() -> None:
    """It may be the old one."""
    found = iter(KEYS)

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def find(route: Route) -> Secret:
            key = next(found)
            if key == KEYS[0]:
                asyncio.run_coroutine_threadsafe(renew(), loop).result(LIMIT)
            return Secret(key)

        async def renew() -> None:
            vault.renew("haiku")

        vault = Vault(find)
        place = Route("haiku", "m", "https://a.example", key="haiku", auth="bearer", protocol="anthropic", preset=None)
        key = await vault.get(place)
        assert key
        assert key.reveal() == KEYS[1]

    asyncio.run(main())
