"""The keys of the providers: fetched when first needed, kept in this process's memory only."""

from __future__ import annotations

import asyncio
from collections import defaultdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from llmswitch.base.secret import Secret
    from llmswitch.presets.routes import Route

    Find = Callable[[Route], Secret]


class Vault:
    """Asks `find` (which raises LlmswitchError) for each key once; a keyring is slow and may have to be unlocked."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._keys: dict[tuple[str, str], Secret] = {}
        self._asking: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, route: Route) -> Secret | None:
        """Return a route's key, None where it needs none; the event loop goes on while a keyring is asked."""
        if route.key is None:
            return None
        name = _name(route)
        if name not in self._keys:
            async with self._asking[name]:
                if name not in self._keys:
                    self._keys[name] = await asyncio.to_thread(self._find, route)
        return self._keys[name]

    def forget(self, route: Route) -> None:
        """Drop a key that an upstream refused: the next request asks for it again, since it may be mended by then."""
        self._keys.pop(_name(route), None)

    def renew(self, name: str) -> int:
        """Drop the key of that name, for every place that may see it, and return for how many: it is fetched again."""
        gone = [each for each in self._keys if each[0] == name]
        for each in gone:
            del self._keys[each]
        return len(gone)

    @property
    def names(self) -> list[str]:
        """The names of the keys that are in memory."""
        return sorted({name for name, _ in self._keys})


def _name(route: Route) -> tuple[str, str]:
    """Return what a key is kept under: its name and the one base URL that may see it."""
    return route.key or "", route.base_url
