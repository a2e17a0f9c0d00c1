"""Which base URL Claude Code is given for a preset: the one place that knows what it cannot reach by itself."""

from __future__ import annotations

from llmswitch.errors import UsageProblem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.preset import Preset


def endpoint(preset: Preset, base_url: str | None = None) -> str:
    """Return the base URL for a pin of this preset, "" for a cloud; `base_url` is the user's own, if any.

    Raises UsageProblem for a preset that Claude Code, which speaks the Messages API to one host, cannot use.
    """
    if preset.cloud:
        if base_url:
            raise UsageProblem(f"Preset {preset.name} takes no --base-url: Claude Code finds {preset.cloud} itself.")
        return ""
    if base_url:
        return base_url
    if preset.is_mixed:
        raise UsageProblem(
            f"The slots of {preset.name} live at different providers, and Claude Code sends all of them to one.",
            hint="Use a provider that serves them all, for example llmswitch openrouter --model ID, or a gateway of "
            "your own with --base-url URL.",
        )
    if preset.protocol != "anthropic":
        raise UsageProblem(
            f"{preset.host} ({preset.name}) speaks the OpenAI format only, and Claude Code does not.",
            hint="Use a provider that serves its models in Anthropic's format, for example llmswitch openrouter "
            "--model ID, or a translating gateway of your own with --base-url URL.",
        )
    return preset.base_url or ""
