"""Where a key may lie that no source has: in a pin that is here already, or in files and variables of other tools."""

from __future__ import annotations

import glob
import os
import shlex
from collections.abc import Collection, Mapping

from llmswitch.base.secret import Secret
from llmswitch.base.typed import switching
from llmswitch.base.urls import host_of
from llmswitch.claude.variables import BASE_URL, CREDENTIALS
from llmswitch.presets.preset import Preset
from llmswitch.settings.checkout import Checkout

# key → the variables in which other tools look for it, besides NAME_API_KEY
_USUAL = {
    "bigmodel": ("ZHIPU_API_KEY", "ZHIPUAI_API_KEY"),
    "deepseek-direct": ("DEEPSEEK_API_KEY",),
    "fireworks": ("FIREWORKS_API_KEY",),
    "gemini": ("GOOGLE_API_KEY",),
    "huggingface": ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"),
    "moonshot": ("MOONSHOT_API_KEY", "KIMI_API_KEY"),
    "qwencloud": ("DASHSCOPE_API_KEY",),
    "vercel": ("AI_GATEWAY_API_KEY",),
    "xai": ("XAI_API_KEY", "GROK_API_KEY"),
    "zai": ("ZAI_API_KEY", "Z_AI_API_KEY", "GLM_API_KEY"),
}


def typed_before(checkout: Checkout, preset: Preset, unsaved: Collection[str]) -> tuple[Secret, str] | None:
    """Return the key of the pin that is here already and its source, where it was typed for this preset and host.

    `unsaved` are the sources that cannot be asked again.
    """
    record = checkout.state.current
    settings = checkout.file.settings()
    values = settings.values() if settings else {}
    text, source = values.get(CREDENTIALS[preset.auth], ""), record.key.get("source", "")
    same = record.preset == preset.name and host_of(values.get(BASE_URL, "")) == preset.host
    if not text or not same or source not in unsaved or not record.has_key(Secret(text)):
        return None
    return Secret(text), source


def offers(name: str, environ: Mapping[str, str]) -> list[str]:
    """Return the commands that would save a key from where another tool keeps one; only whether it is there is seen."""
    own = "".join(char if char.isascii() and char.isalnum() else "_" for char in name.upper()) + "_API_KEY"
    exported = [variable for variable in dict.fromkeys((own, *_USUAL.get(name, ()))) if environ.get(variable)]
    config = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME", ""), ".config")
    files = sorted(glob.glob(os.path.join(glob.escape(config), "*", f".env.{name}"))) if config.startswith("/") else []
    return [f"printenv {variable} | llmswitch save-key {name}" for variable in exported] + [
        f"llmswitch save-key {name} --from-env-file {shlex.quote(path)}"
        for path in files
        if path.isprintable() and os.path.isfile(path)  # else it could not be typed
    ]


def ways(name: str, variable: str, environ: Mapping[str, str], hint: str = "", preset: str = "") -> str:
    """Return what to type where a key is missing; `variable` is the one that llmswitch itself reads.

    `hint` is what the keyring's trouble says in the place of the usual ways, `preset` the one to switch to.
    """
    usual = f"Save it: llmswitch save-key {name}; or set LLMSWITCH_KEY_<NAME>; or pipe it in with --key-stdin."
    lead = (hint or usual).replace("LLMSWITCH_KEY_<NAME>", variable)
    lead = lead.replace("llmswitch PRESET", switching(preset or "PRESET"))
    return " ".join([lead, *(f"It may be here already: {command}" for command in offers(name, environ))])
