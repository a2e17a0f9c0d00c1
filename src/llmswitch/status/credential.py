"""Which credential goes where, in states that are not just a pin with its key."""

from __future__ import annotations

from llmswitch.base.problem import Problem
from llmswitch.base.secret import STARS, mask, redacted
from llmswitch.base.urls import host_of
from llmswitch.claude import clouds, login
from llmswitch.claude.credentials import HEADERS, LOGIN, OAUTH, PLACES, oauth, sent
from llmswitch.claude.variables import ANTHROPIC_HOST, BASE_URL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmswitch.claude.effective import Value

Data = dict[str, object]


def texts(values: Mapping[str, Value]) -> dict[str, str]:
    """Return the effective values as text."""
    return {name: value.text for name, value in values.items()}


def described(values: Mapping[str, Value], folder: str) -> Data:
    """Return how a session in `folder` sends a credential that is no pin's: login, token, header, a cloud's, none."""
    if cloud := clouds.on(texts(values)):
        words = clouds.credential(cloud, texts(values))
        return {"kind": "cloud", "masked": None, "origin": values[cloud.switch].origin, "source": words}
    names = sent(values, login.found(texts(values), folder))
    name = names[0] if names else ""
    if name in ("", LOGIN):
        return {"kind": "login" if name else "missing", "masked": None, "origin": "default", "source": None}
    value = (name == OAUTH and oauth(values)) or values[name]
    masked = mask(value.text) if name == OAUTH else STARS
    return {"kind": PLACES[name], "masked": masked, "origin": value.origin, "source": None}


def cloud(texts: Mapping[str, str]) -> dict[str, str] | None:
    """Return name, title, endpoint, region and credential of the cloud that is on, None where none is."""
    cloud = clouds.on(texts)
    if cloud is None:
        return None
    found = {"name": cloud.name, "title": cloud.title, "endpoint": clouds.endpoint(cloud, texts)}
    return {**found, "region": clouds.region(cloud, texts), "credential": clouds.credential(cloud, texts)}


def findings(values: Mapping[str, Value], fix: str, folder: str) -> list[Problem]:
    """Return what a session in `folder` sends to a host that it is not meant for; `fix` puts in a pin's credential."""
    url = values[BASE_URL].text if BASE_URL in values else ""
    host = host_of(url) or redacted(url)
    if not url or is_anthropic(host) or clouds.on(texts(values)):
        return []
    there = login.found(texts(values), folder)
    names, place = sent(values, there), values[BASE_URL].layer.path or "the shell"
    mend = fix or f"Take {BASE_URL} out of {place}."
    found = []
    if LOGIN in names and there:
        message = f"No credential is set for {host}: your own login is sent there."
        found.append(Problem("login-sent", "error", message, mend))
    elif LOGIN in names or not names:
        message = f"No credential is set for {host}: your own login is sent there as soon as there is one."
        found.append(Problem("no-credential", "warning", message, mend))
    if OAUTH in names and (token := oauth(values)):
        where = token.layer.path or "the shell"
        message = f"{OAUTH} of {where}, which is your own login, is sent to {host}."
        found.append(Problem("login-sent", "error", message, mend))
    if HEADERS in names and values[HEADERS].layer is not values[BASE_URL].layer:
        where = values[HEADERS].layer.path or "the shell"
        message = f"The credential in {HEADERS} of {where} is sent to {host}."
        found.append(Problem("header-sent", "error", message, f"Take it out of {where}."))
    return found


def is_anthropic(host: str) -> bool:
    """Say whether a host is Anthropic's own, which the login is meant for."""
    return host == ANTHROPIC_HOST or host.endswith(".anthropic.com")
