"""The keys of the providers: fetched when first needed, kept in this process's memory only."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

from llmswitch.base.secret import Secret
from llmswitch.presets.routes import Route

Find = Callable[[Route], Secret]


class Vault:
    """Asks `find` (which raises LlmswitchError) for each key once; a keyring is slow and may have to be unlocked."""

    def __init__(self, find: Find, idle: float = 0.0) -> None:
        """With `idle`, all keys are forgotten so many seconds after the last one was used."""
        self._find, self._idle = find, idle
        self._timer: asyncio.TimerHandle | None = None
        self._dropped = 0  # how often keys were: one that is being fetched meanwhile may be the old one
        self._keys: dict[tuple[str, str], Secret] = {}
        self._asking: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, route: Route) -> Secret | None:
        """Return a route's key, None where it needs none; the event loop goes on while a keyring is asked."""
        if route.key is None:
            return None
        name = _name(route)
        self._used()
        if (key := self._keys.get(name)) is not None:
            return key
        async with self._asking[name]:
            while (key := self._keys.get(name)) is None:
                before = self._dropped
                key = await asyncio.to_thread(self._find, route)
                if before == self._dropped:
                    self._keys[name] = key
                self._used()  # a keyring that had to be unlocked may take longer than the time to forget
        return key

    def _used(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._idle, self._keys.clear) if self._idle else None

    def lock(self) -> int:
        """Drop every key and return how many there were."""
        count = len(self._keys)
        self._keys.clear()
        self._dropped += 1
        return count

    def forget(self, route: Route) -> None:
        """Drop a key that an upstream refused: the next request asks for it again, since it may be mended by then."""
        self._keys.pop(_name(route), None)

    def renew(self, name: str) -> int:
        """Drop the key of that name, for every place that may see it, and return for how many: it is fetched again."""
        gone = [each for each in self._keys if each[0] == name]
        for each in gone:
            del self._keys[each]
        self._dropped += 1
        return len(gone)

    @property
    def names(self) -> list[str]:
        """The names of the keys that are in memory."""
        return sorted({name for name, _ in self._keys})


def _name(route: Route) -> tuple[str, str]:
    """Return what a key is kept under: its name and the one base URL that may see it."""
    return route.key or "", route.base_url
