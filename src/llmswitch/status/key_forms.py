"""Whose key a credential is, by the prefix of its provider's keys, held against the host that it is sent to."""

from __future__ import annotations

from llmswitch.base.problem import Problem
from llmswitch.base.urls import host_of, is_loopback
from llmswitch.claude import clouds
from llmswitch.claude.credentials import LOGIN_TOKEN
from llmswitch.claude.variables import BASE_URL, CREDENTIALS
from llmswitch.presets import owners
from llmswitch.presets.listing import load_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmswitch.claude.effective import Value
    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.preset import Preset


def findings(values: Mapping[str, Value], catalog: Catalog, fix: str) -> Iterator[Problem]:
    """Yield each credential that has the form of another provider's keys than the one it is sent to.

    A host that nobody knows may be somebody's own proxy, to which such a key belongs: then it is an error only where
    key and base URL come from different places.
    """
    url = values.get(BASE_URL)
    texts = {name: value.text for name, value in values.items()}
    if url is None or not host_of(url.text) or is_loopback(url.text) or clouds.on(texts):
        return
    presets, host = load_all(catalog)[0], host_of(url.text)
    for name in CREDENTIALS.values():
        form = owners.another(texts.get(name, ""), host, catalog)
        if not form:
            continue
        apart, login = values[name].layer is not url.layer, texts[name].startswith(LOGIN_TOKEN)
        sure = apart or login or any(each.host == host for each in presets)
        place = values[name].layer.path or "the shell"
        what = "is a token of your own login" if login else f"has the form of a key of {form}"
        message = f"{name} of {place} {what}, and is sent to {host}."
        mend = fix or f"Take {name} out of {place}."
        if fix.startswith("llmswitch ") and fix != "llmswitch claude" and values[name].origin == "worktree":
            mend = f"llmswitch save-key {_key_of(fix.split()[-1], presets)}, then {fix} --discard-key"
        yield Problem("other-key", "error" if sure else "warning", message, mend)


def _key_of(name: str, presets: list[Preset]) -> str:
    return next((each.key for each in presets if each.name == name and each.key), name)
