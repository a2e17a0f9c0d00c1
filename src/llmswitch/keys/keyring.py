"""The operating system's keyring, through the keyring library, with every call bounded in time.

A call can block for ever (a stopped daemon, an unlock dialog nobody answers), a successful save proves nothing
(a null backend, an older item of another program that wins), and a missing service falls back to plain text
where keyrings.alt is installed. Hence the deadline, the read-back and the refusals here. The library is imported
on first use: it takes longer than everything else llmswitch does.
"""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from llmswitch.base.errors import KeyProblem
from llmswitch.base.secret import Secret
from llmswitch.keys.titles import TITLES

# For all calls of a run together; with start-up and the import an unattended run stays below five seconds.
UNATTENDED_SECONDS = 4.0
ATTENDED_SECONDS = 60.0
NOTICE_SECONDS = 2.0
DUPLICATES = 10
_OTHER_WAYS = "Other ways: export LLMSWITCH_KEY_<NAME>, or pipe the key in with --key-stdin."
_WITHOUT = (
    "Export LLMSWITCH_KEY_<NAME>, or pipe the key in: llmswitch PRESET --key-stdin. To save keys here, install a "
    "keyring (GNOME Keyring, KWallet or KeePassXC) and log in again."
)
_REFUSED = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")
_LIBRARIES = ("keyring.backends.", "keyrings.")
_NONE = "keyring.backends.fail.Keyring"  # what the library chooses where it finds nothing
# Asks for its password in the middle of a command, on the terminal.
_ASKING = ("keyrings.cryptfile",)
# errSecInteractionNotAllowed (over ssh, in tmux), errSecAuthFailed, errSecInvalidOwnerEdit (SecBase.h)
_KEYCHAIN_SHUT = ("-25308", "-25293", "-25244")


def service(name: str) -> str:
    """Return the service a key lies under: one a key, as a person would look for it."""
    return f"llmswitch:{name}"


class OsKeyring:
    """Reads and writes keys; `notice` is called on a terminal when the keyring keeps us waiting.

    `keeper` returns the `kind` of the keyring that took a key, or "": asked first, it saves the search for keyrings,
    which takes longer than to ask.
    """

    def __init__(
        self,
        attended: bool = False,
        notice: Callable[[str], None] = lambda text: None,
        keeper: Callable[[str], str] = lambda name: "",
    ) -> None:
        self._attended, self._notice, self._keeper = attended, notice, keeper
        self._backend: Any = None  # the one in use
        self._answering: Any = None  # the one that answered last
        self._waited = 0.0

    @property
    def title(self) -> str:
        """The keyring's name, as people know it."""
        backend = self._answering or self._open()
        return TITLES.get(type(backend).__module__.rpartition(".")[2], str(backend.name))

    @property
    def kind(self) -> str:
        """The keyring's class, by which it is found again."""
        return _kind(self._answering or self._open())

    def get(self, name: str) -> Secret | None:
        """Return a key, None where the keyring has none; KeyProblem where it cannot say."""
        return self._kept(name) or self._get(self._open(), name)

    def _get(self, backend: Any, name: str) -> Secret | None:
        text = self._call(lambda: backend.get_password(service(name), name))
        self._answering = backend
        return None if text is None else Secret(text)

    def _kept(self, name: str) -> Secret | None:
        """Return a key from the keyring that took it, None where that is not there any more, or the key not in it."""
        backend = self._taker(name)
        try:
            return self._get(backend, name) if backend else None
        except KeyProblem:
            if _kind(self._open()) == _kind(backend):  # it is the one in use; asked again, it would only ask again
                raise
            return None

    def _taker(self, name: str) -> Any:
        """Return the keyring that took a key, None where that cannot be had."""
        kind = self._keeper(name)
        try:
            return self._call(lambda: _of_kind(kind, self._attended)) if kind else None
        except KeyProblem:
            return None

    def set(self, name: str, secret: Secret) -> Secret | None:
        """Save a key, read it back, and return the one that was there before; KeyProblem where it did not arrive."""
        before = self._get(self._open(), name)
        if self._put(name, secret):
            return before
        # An item another program made under the same name wins over ours in a Secret Service.
        self._delete(self._open(), name)
        if not self._put(name, secret):
            lost = before is not None and not self._put(name, before)
            raise KeyProblem(
                f"{self.title} did not keep the {name} key: reading it back gave something else.",
                changed="The key that was there before is gone." if lost else "Nothing was changed.",
            )
        return before

    def _put(self, name: str, secret: Secret) -> bool:
        """Save a key and say whether it can be read back."""
        backend = self._open()
        self._call(lambda: backend.set_password(service(name), name, secret.reveal()))
        return self._get(backend, name) == secret

    def delete(self, name: str) -> bool:
        """Delete a key with all its duplicates, wherever it is, and say whether there was one."""
        deleted = False
        for backend in (self._taker(name), self._open()):
            deleted = (backend is not None and self._delete(backend, name)) or deleted
        return deleted

    def _delete(self, backend: Any, name: str) -> bool:
        for count in range(DUPLICATES):
            if self._get(backend, name) is None:
                return count > 0
            self._call(lambda: backend.delete_password(service(name), name))
        raise KeyProblem(f"{self.title} still has a {name} key after {DUPLICATES} deletions.", changed="")

    def _open(self) -> Any:
        if self._backend is None:
            self._backend = self._call(lambda: _backend(self._attended))
        return self._backend

    def _call(self, call: Callable[[], Any]) -> Any:
        """Run one keyring call in a thread that may be left behind, and turn what it raises into KeyProblem."""
        box: dict[str, Any] = {}

        def work() -> None:
            try:
                box["value"] = call()
            except BaseException as error:
                box["error"] = error

        # A daemon thread: the process can end although the call never does. An executor would wait for it.
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._wait(thread)
        if thread.is_alive():
            raise KeyProblem("The keyring did not answer in time.", hint=_OTHER_WAYS)
        if "error" in box:
            raise _explained(box["error"]) from None
        return box["value"]

    def _wait(self, thread: threading.Thread) -> None:
        start = time.monotonic()
        limit = (ATTENDED_SECONDS if self._attended else UNATTENDED_SECONDS) - self._waited
        if self._attended:
            thread.join(min(NOTICE_SECONDS, max(limit, 0)))
            if thread.is_alive():
                self._notice("Waiting for your keyring; it may be asking to be unlocked. Ctrl-C gives up.")
        thread.join(max(limit - (time.monotonic() - start), 0))
        self._waited += time.monotonic() - start


def _library() -> Any:
    import keyring  # at its first use: it looks for every keyring, and what it meets there may fail

    return keyring


def _backend(attended: bool) -> Any:
    """Return the keyring in use; KeyProblem names one that stores nothing, or stores in plain text."""
    chosen: Any = _library().get_keyring()
    members = list(chosen.backends) if hasattr(chosen, "backends") else [chosen]
    for member in members:
        if not _is_refused(member, attended):
            return member
    names = sorted(set(map(_kind, members)))
    if names in ([], [_NONE]) and "PYTHON_KEYRING_BACKEND" not in os.environ:
        raise KeyProblem("There is no keyring here.", hint=_WITHOUT)
    raise KeyProblem(f"No usable keyring here ({', '.join(names)}).", hint=_OTHER_WAYS)


def _of_kind(kind: str, attended: bool) -> Any:
    """Return the keyring of that class; None for no such class, and where the user chose a keyring by hand."""
    if not kind.startswith(_LIBRARIES) or os.environ.get("PYTHON_KEYRING_BACKEND"):
        return None
    if _library().core.load_config() is not None:  # keyringrc.cfg
        return None
    module, _, name = kind.rpartition(".")
    backend = getattr(importlib.import_module(module), name)()  # core.load_keyring would ask for its priority: slow
    return None if _is_refused(backend, attended) else backend


def _kind(backend: Any) -> str:
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def _is_refused(backend: Any, attended: bool) -> bool:
    kind = type(backend)
    refused = _REFUSED if attended else _REFUSED + _ASKING
    return kind.__module__.startswith(refused) or "plaintext" in kind.__name__.lower()


def _explained(error: BaseException) -> KeyProblem:
    """Return the KeyProblem for what a backend raised, without its text where that could hold a key."""
    if isinstance(error, KeyProblem):
        return error
    kind = type(error).__name__
    if code := next((code for code in _KEYCHAIN_SHUT if code in str(error)), None):
        return KeyProblem(
            f"The macOS Keychain does not let llmswitch in ({code}).",
            hint="Unlock it in this terminal: security unlock-keychain. " + _OTHER_WAYS,
        )
    if kind == "KeyringLocked" or "dismissed" in str(error).lower():
        return KeyProblem("The keyring is locked.", hint="Unlock it. " + _OTHER_WAYS)
    if kind == "NoKeyringError":
        return KeyProblem("There is no keyring here.", hint=_WITHOUT)
    if (chosen := os.environ.get("PYTHON_KEYRING_BACKEND")) is not None:
        return KeyProblem(f"PYTHON_KEYRING_BACKEND={chosen!r} does not work ({kind}).", hint=_OTHER_WAYS)
    return KeyProblem(f"The keyring cannot be used ({kind}).", hint=_OTHER_WAYS)
