"""What a provider's answer to one request proves, and what not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from llmswitch.base.problem import Problem
from llmswitch.base.secret import redacted
from llmswitch.claude.more_names import EFFORT, NO_BETAS, NO_THINKING, TOOL_SEARCH

LONGEST = 160
# A word of the complaint → the variable, and its value, that keeps Claude Code from sending what it is about.
CURES = (
    ("context_management", NO_BETAS, "1"),
    ("tool_search", TOOL_SEARCH, "false"),
    ("tool_reference", TOOL_SEARCH, "false"),
    ("defer_loading", TOOL_SEARCH, "false"),
    ("adaptive", NO_THINKING, "1"),
    ("thinking", NO_THINKING, "1"),
    ("output_config", EFFORT, "auto"),
    ("effort", EFFORT, "auto"),
    ("extra inputs", NO_BETAS, "1"),
)
_NO_MODEL = re.compile(
    r"model\b.{0,80}(not|un|invalid|no )|(no endpoints|unknown|invalid|unsupported).{0,40}model", re.S
)
_BAD_KEY = re.compile(r"api.?key.{0,40}(not valid|invalid|incorrect|expired)|(invalid|incorrect).{0,20}api.?key")
_TOO_FEW = re.compile(r"max_(output_)?tokens")
FAILURES = {
    "tls": "its certificate is not trusted here",
    "dns": "its name cannot be resolved",
    "refused": "it refuses the connection",
    "timeout": "it did not answer in time",
    "cut": "it cut the connection before it answered",
    "proxy": "the proxy of this environment refuses",
    "unreachable": "it cannot be reached",
}
_FIXES = {
    "tls": "export NODE_EXTRA_CA_CERTS=FILE, the certificate of your proxy's authority",
    "proxy": "Look at HTTPS_PROXY and NO_PROXY.",
    "dns": "Look at the base URL: llmswitch status",
}


class Reply:
    """What came back: `status` None with a `failure` (a word of FAILURES) where nothing did.

    `milliseconds` is the time to the first byte of the answer, `location` where a redirect points.
    """

    def __init__(
        self, status: int | None, text: str = "", milliseconds: int = 0, location: str = "", failure: str = ""
    ) -> None:
        self.status, self.text, self.milliseconds = status, text, milliseconds
        self.location, self.failure = location, failure


class Asked:
    """What was asked: a model for its slots at a host, with the key that went out in `header`.

    `key_good` is what a free key check said before, None where there is none; `any_key` marks an endpoint that
    answers 200 to any key; `limit` is what to do where credit or a limit gave out.
    """

    def __init__(
        self, host: str, model: str, slots: str, header: str, use: str, save: str, any_key: bool, key_good: bool | None,
        limit: str = "Look at your account there, or try again later.",
    ) -> None:  # fmt: skip
        self.host, self.model, self.slots, self.header, self.limit = host, model, slots, header, limit
        self.use, self.save, self.any_key, self.key_good = use, save, any_key, key_good

    @property
    def key_proven(self) -> str:
        """What an answer that is no refusal says about the key, as a sentence."""
        return "It takes any key." if self.any_key else "The key is good."

    @property
    def place(self) -> str:
        """The host and the model, for a message."""
        return f"{self.host}, asked for {redacted(self.model)} ({self.slots}),"


def judge(asked: Asked, reply: Reply) -> Problem:
    """Return what the reply means, with the command that helps; level `ok` where it answered with a message."""
    text = reply.text.lower()
    if reply.status is None:
        why = FAILURES.get(reply.failure, FAILURES["unreachable"])
        fix = _FIXES.get(reply.failure, "Try again: llmswitch doctor --probe")
        return Problem(f"probe-{reply.failure}", "error", f"{asked.host}: {why}. The key was not tried.", fix)
    if 300 <= reply.status < 400:
        to = f" to {redacted(reply.location)}" if reply.location else ""
        message = f"{asked.host} redirects{to}; the key was not sent there. Claude Code needs the final base URL."
        return Problem("probe-redirect", "error", message, asked.use)
    if reply.status == 200:
        return _good(asked, reply, text)
    if reply.status in (401, 403):
        return _refused(asked, reply)
    if reply.status in (402, 429):
        what = "no credit is left" if reply.status == 402 else "a rate or spending limit is reached"
        message = f"{asked.place} says {what}. {asked.key_proven}{_said(reply)}"
        return Problem("probe-limit", "warning", message, asked.limit)
    if reply.status in (400, 404, 422):
        return _rejected(asked, reply, text)
    message = f"{asked.place} fails with {reply.status}. That says nothing about key and model.{_said(reply)}"
    return Problem("probe-failing", "warning", message, "Try again later: llmswitch doctor --probe")


def _good(asked: Asked, reply: Reply, text: str) -> Problem:
    if '"error"' in text and "message_start" not in text and '"type":"message"' not in re.sub(r"\s", "", text):
        message = f"{asked.place} answers 200 with an error inside.{_said(reply)}"
        return Problem("probe-error-inside", "error", message, "llmswitch doctor --models")
    if "message_start" not in text and '"type":"message"' not in re.sub(r"\s", "", text):
        message = f"{asked.place} answers 200, but with no message: it is not a Messages API, or a login page."
        return Problem("probe-no-message", "error", message, asked.use)
    proves = "it answers any key, so that says nothing about the key" if asked.any_key else "key and model are good"
    message = f"{asked.place} answered after {reply.milliseconds} ms: {proves}."
    return Problem("probe-answers", "ok", message)


def _refused(asked: Asked, reply: Reply) -> Problem:
    if asked.key_good:
        message = (
            f"{asked.place} answers {reply.status} to {asked.header}, although its key check takes the key: this "
            f"endpoint wants another header, or a firewall stands before it.{_said(reply)}"
        )
        return Problem("probe-refused", "error", message, asked.use)
    what = "does not take the key" if reply.status != 403 else "does not allow it: the key's rights, or a firewall"
    message = f"{asked.place} {what} ({reply.status}; sent as {asked.header}).{_said(reply)}"
    return Problem("probe-refused", "error", message, asked.save)


def _rejected(asked: Asked, reply: Reply, text: str) -> Problem:
    if _BAD_KEY.search(text):  # Google's endpoints say so with a 400
        return _refused(asked, reply)
    for word, variable, value in CURES:
        if reply.status != 404 and word in text:
            # Claude Code tries again without context_management by itself, at the price of a second request.
            level = "warning" if word == "context_management" else "error"
            message = f"{asked.place} does not take `{word}`. {asked.key_proven} {variable}={value} keeps it out."
            return Problem("probe-cure", level, message, "llmswitch doctor --probe --fix", {variable: value})
    if asked.model.lower().rpartition("/")[2] in text or _NO_MODEL.search(text):
        message = f"{asked.place} does not know that model. {asked.key_proven}{_said(reply)}"
        return Problem("probe-model", "error", message, "llmswitch doctor --models")
    if reply.status == 404:
        message = f"{asked.host} has no /v1/messages below its base URL: it is not this provider's Messages API."
        return Problem("probe-no-endpoint", "error", message, asked.use)
    if _TOO_FEW.search(text):
        message = f"{asked.place} wants more than one token, so the model is good. {asked.key_proven}"
        return Problem("probe-answers", "ok", message)
    message = f"{asked.place} rejects the request ({reply.status}). {asked.key_proven}{_said(reply)}"
    return Problem("probe-rejected", "error", message, "llmswitch show PRESET")


def _said(reply: Reply) -> str:
    """Return the provider's own words, short, on one line and without what may be a secret."""
    try:
        error = json.loads(reply.text)["error"]
        words = error["message"] if isinstance(error, dict) else error
    except (ValueError, KeyError, TypeError):
        words = reply.text
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in redacted(str(words))).split())
    return f" It says: {line[:LONGEST]}" if line else ""


def rows(reply: Reply) -> list[dict[str, Any]]:
    """Return the entries of a provider's list of models, [] where it is none: `data` or `models`, of `id` or `name`."""
    try:
        found = json.loads(reply.text) if reply.status == 200 else None
    except (ValueError, RecursionError):
        return []
    entries = (found.get("data") or found.get("models")) if isinstance(found, dict) else found
    objects = [row for row in entries if isinstance(row, dict)] if isinstance(entries, list) else []
    return [row for row in objects if row.get("id") or row.get("name")]


def id_of(row: Mapping[str, Any]) -> str:
    """Return the model's id in an entry of such a list."""
    return str(row.get("id") or row.get("name"))
