"""`llmswitch doctor --probe` and `--models`: the provider itself is asked, with the key of the pin here."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from llmswitch.base.addresses import url_problem
from llmswitch.base.errors import KeyProblem
from llmswitch.base.problem import Problem
from llmswitch.base.secret import Secret, redacted
from llmswitch.base.typed import switching
from llmswitch.base.urls import host_of, id_in
from llmswitch.claude.variables import AUTH_TOKEN, BASE_URL, CREDENTIALS, HELPER, KEYLESS_TOKEN, START_MODEL, VARIABLES
from llmswitch.commands.keys import print_key
from llmswitch.doctor import checks, probe, probe_request, replies
from llmswitch.doctor.observe import Reach
from llmswitch.doctor.observed import Observed
from llmswitch.doctor.probe_request import Request
from llmswitch.doctor.replies import Reply
from llmswitch.gateway.delivery import token_helper
from llmswitch.keys.ready import ready, ways_on
from llmswitch.presets.preset import Preset, slot_named

_SHOWN = {"authorization": "Authorization: Bearer", "x-api-key": "x-api-key"}
# What OpenRouter takes behind an id of its list: https://openrouter.ai/docs/guides/routing/model-variants
_VARIANTS = (":nitro", ":floor", ":exacto", ":online", ":thinking", ":extended")


class Asker:
    """Asks the provider of the pin here, with the pin's own key, the local gateway's token, or nothing.

    A helper that is not ours is never run: the settings of a cloned repository could name one.
    """

    def __init__(self, observed: Observed, reach: Reach) -> None:
        self.observed, self._reach = observed, reach
        self.url = observed.text(BASE_URL).strip()
        self.host = host_of(self.url)

    def _send(self, requests: Sequence[Request]) -> list[Reply]:
        return probe.send_all(requests, self._reach.progress)

    def probe(self) -> list[Problem]:
        """Return what the free key check says, and then one answer for each distinct model that is mapped."""
        if why := self._unaskable():
            return [Problem("not-asked", "note", why)]
        try:
            headers = self._credentials()
        except KeyProblem as error:
            return [Problem("not-asked", "warning", f"Not asked: {error.args[0]}", error.hint)]
        models = self.models()
        if elsewhere := self._redirected(headers, models):
            return [elsewhere]
        checked, good = self._check_key()
        if good is False:
            return checked
        if not models:
            return [*checked, Problem("not-asked", "note", f"Not asked: no model is mapped for {self.host}.")]
        asked = [self._asked(model, slots, headers, good) for model, slots in models.items()]
        came = self._send([self._message(model, headers) for model in models])
        found = [replies.judge(one, reply) for one, reply in zip(asked, came, strict=True)]
        # A host that cannot be reached is said once, not for each model.
        return [*checked, *{problem.message: problem for problem in found}.values()]

    def _message(self, model: str, headers: Mapping[str, str]) -> Request:
        version = ".".join(map(str, self.observed.client or ())) or probe_request.TRIED
        return probe_request.message(self.observed.report.texts, model, headers, version)

    def _redirected(self, headers: Mapping[str, str], models: Mapping[str, list[str]]) -> Problem | None:
        """Return the error of a host that sends Claude Code elsewhere, which follows with x-api-key (2.1.332).

        It is asked without the real key.
        """
        if "x-api-key" not in headers or not models:
            return None
        [reply] = self._send([self._message(next(iter(models)), {"x-api-key": KEYLESS_TOKEN})])
        there = host_of(reply.location)
        if reply.status not in range(300, 400) or there in ("", self.host):
            return None
        message = f"{self.host} redirects to {there}: Claude Code would follow, and send the key there as x-api-key."
        return Problem(
            "redirect", "error", message, f"Ask {self.host} for its final base URL; until then: llmswitch claude"
        )

    def served(self) -> list[Problem]:
        """Return the mapped models that the provider's own list does not have, with the nearest that it has."""
        preset = self._own_preset()
        if why := self._unaskable():
            return [Problem("not-asked", "note", why)]
        if preset is None or not preset.models_url:
            return [Problem("no-list", "note", f"{self.host} has no list of models that llmswitch knows of.")]
        [reply] = self._send([probe_request.plain(preset.models_url, "GET", self._own_credentials(preset))])
        ids = [replies.id_of(row) for row in replies.rows(reply)]
        if not ids:
            message = f"The list of models at {host_of(preset.models_url)} cannot be read ({_how(reply)})."
            return [Problem("models-unread", "warning", message, "Try again: llmswitch doctor --models")]
        gone = {model: slots for model, slots in self.models().items() if not _is_served(model, ids)}
        found = [self._gone(model, slots, ids) for model, slots in gone.items()]
        return found or [Problem("models-served", "ok", f"{self.host} serves all models that are mapped here.")]

    def models(self) -> dict[str, list[str]]:
        """Return {model: its slots} of the models that requests go out for."""
        found: dict[str, list[str]] = {}
        for slot, variable in VARIABLES.items():
            if model := self.observed.text(variable):
                found.setdefault(model, []).append(slot)
        start = self.observed.text(START_MODEL)
        if start and not slot_named(start) and start not in checks.ALIASES:  # a session starts on an id
            found.setdefault(start, []).append("start")
        return found

    def _unaskable(self) -> str:
        """Return why the key must not be sent, "" where it may."""
        if not self.url:
            return "Not asked: there is no pin with a base URL here."
        if wrong := url_problem(self.url):
            return f"Not asked: the base URL {redacted(self.url)} {wrong}."
        values = self.observed.values
        names = [name for name in (*CREDENTIALS.values(), HELPER) if name in values and values[name].text]
        if any(values[name].layer is not values[BASE_URL].layer for name in names):
            return "Not asked: the credential and the base URL come from different places."
        return "" if names else "Not asked: there is no credential for it."

    def _credentials(self) -> dict[str, str]:
        """Return the headers with the credential as Claude Code would send it; KeyProblem where it has none."""
        preset, helper = self._own_preset(), self.observed.text(HELPER)
        if not helper:
            return probe_request.credentials(self.observed.report.texts)
        if token := self._gateway_token(helper):
            return self._both(token)
        if preset is None or helper != self._reach.helper(preset) or self.observed.record.preset != preset.name:
            raise KeyProblem("apiKeyHelper is not llmswitch's own, and no other is run.", hint="claude -p hi")
        reach = self._reach
        return self._both(print_key(None, preset.name, reach.catalog, reach.environ, reach.keyring))

    def _gateway_token(self, helper: str) -> Secret | None:
        """Return the token of the local gateway, which is started for that, None where URL or helper is another's."""
        gateway, name = self._reach.gateway(), id_in(self.url)
        if name is None or helper != token_helper(name):
            return None
        gateway.start()
        return Secret(gateway.token(name))

    def _both(self, key: Secret) -> dict[str, str]:
        """Return both headers, in which Claude Code sends what a helper prints."""
        both = dict.fromkeys(CREDENTIALS.values(), key.reveal())
        return probe_request.credentials({**self.observed.report.texts, **both})

    def _own_preset(self) -> Preset | None:
        """Return the preset, where the pin's base URL is its own: only then the key is too."""
        preset = self.observed.preset
        return preset if preset and preset.base_url and host_of(preset.base_url) == self.host else None

    def _own_credentials(self, preset: Preset, auth: str = "") -> dict[str, str]:
        """Return one header with the preset's key, {} where there is none to send."""
        try:
            key = next(iter(self._credentials().values()), "").removeprefix("Bearer ")
        except KeyProblem:
            return {}
        if not preset.key or not key or key == KEYLESS_TOKEN:
            return {}
        return probe_request.credentials({CREDENTIALS[auth or preset.auth]: key})

    def _check_key(self) -> tuple[list[Problem], bool | None]:
        """Return what the free key check of the preset says, and whether the key is good; None: nobody knows."""
        preset = self._own_preset()
        if preset is None or not preset.key_check:
            return [], None
        check = preset.key_check
        headers = self._own_credentials(preset, check["auth"])
        [reply] = self._send([probe_request.plain(check["url"], check["method"], headers)])
        if reply.status in (401, 403):
            message = f"{host_of(check['url'])} does not take the key ({reply.status} at its key check)."
            return [Problem("key-refused", "error", message, self._save(preset))], False
        if reply.status == 200 and not preset.answers_any_key:
            return [Problem("key-good", "ok", f"{host_of(check['url'])} takes the key (a free key check).")], True
        return [], None

    def _save(self, preset: Preset | None) -> str:
        name = preset.key if preset and preset.key else "NAME"
        page = f" (keys: {preset.key_url})" if preset and preset.key_url else ""
        reach = self._reach
        others = ready(preset.key if preset else None, reach.catalog, reach.environ, reach.names().load())
        switch = f". Or switch: {'; or '.join(switching(name) for name in others)}" if others else ""
        save = f"llmswitch save-key {name}"
        if self.observed.keyring_problem:  # then nothing can be saved
            save = f"export {self.observed.key_variable}=YOUR_KEY"
        return f"{save}{page}, then: {self.observed.use}{switch}"

    def _asked(self, model: str, slots: list[str], headers: Mapping[str, str], good: bool | None) -> replies.Asked:
        preset = self.observed.preset
        header = " and ".join(_SHOWN[name] for name in headers)
        any_key = bool(preset and preset.answers_any_key) or self.observed.text(AUTH_TOKEN) == KEYLESS_TOKEN
        save = self._save(preset)
        use, limit = self.observed.use, self._limit(preset)
        return replies.Asked(self.host, model, ", ".join(slots), header, use, save, any_key, good, limit)

    def _limit(self, preset: Preset | None) -> str:
        """Return what to do where credit or a limit gave out."""
        reach = self._reach
        return ways_on(402, preset, reach.catalog, reach.environ, reach.names().load())

    def _gone(self, model: str, slots: list[str], ids: Sequence[str]) -> Problem:
        near = difflib.get_close_matches(probe_request.wire_model(model), ids, n=1, cutoff=0.5)
        fix = f"{self.observed.use} {' '.join(f'--{slot} {near[0]}' for slot in slots)}" if near else "llmswitch list"
        message = f"{self.host} no longer lists {redacted(model)} ({', '.join(slots)})."
        return Problem("model-gone", "error", message, fix)


def _is_served(model: str, ids: Sequence[str]) -> bool:
    """Say whether a list has a model; an alias of the router's own (~…) stands in no list."""
    sent = probe_request.wire_model(model)
    base = next((sent.removesuffix(variant) for variant in _VARIANTS if sent.endswith(variant)), sent)
    return sent.startswith("~") or sent in ids or base in ids


def _how(reply: Reply) -> str:
    return str(reply.status) if reply.status else replies.FAILURES.get(reply.failure, "no answer")
