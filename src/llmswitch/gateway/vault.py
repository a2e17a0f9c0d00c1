"""The keys of the providers: fetched when first needed, kept in this process's memory only."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from llmswitch.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Find = Callable[[str], Secret]


class Vault:
    """Asks `find` (which raises LlmswitchError) for each key once; a keyring is slow and may have to be unlocked."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._keys: dict[str, Secret] = {}
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, name: str) -> Secret:
        """Return a key; the event loop goes on while a keyring is asked. Raises LlmswitchError."""
        if name not in self._keys:
            async with self._asking[name]:
                if name not in self._keys:
                    self._keys[name] = await asyncio.to_thread(self._find, name)
        return self._keys[name]

    def forget(self, name: str, secret: Secret) -> None:
        """Drop a key that a provider refused: the next request asks for it again, since it may be mended by then."""
        if self._keys.get(name) == secret:
            del self._keys[name]

    @property
    def names(self) -> list[str]:
        """The names of the keys that are in memory."""
        return sorted(self._keys)
