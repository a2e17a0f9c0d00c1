"""What strict servers refuse in a request for a chat completion, each rule in words of our own.

The rules of the chat templates are those of the templates that the models are published with (llama.cpp has them
under `models/templates`, vLLM beside the model), as of November 2026; where a template does not refuse but prints
nonsense, that is a complaint too. Mistral's own validator is the package `mistral-common`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.instruct.validator import (
    MistralRequestValidatorV3,
    MistralRequestValidatorV13,
    ValidationMode,
)

Json = dict[str, Any]
Rule = Callable[[list[Json]], bool]


def _roles(messages: list[Json]) -> list[str]:
    return [message["role"] for message in messages]


def _system_first(messages: list[Json]) -> bool:
    return "system" not in _roles(messages)[1:]


def _is_text(messages: list[Json]) -> bool:
    """Say whether all is text but for a user's parts, of which the template reads text and images."""
    users = [message["content"] for message in messages if message["role"] == "user"]
    rest = [message["content"] for message in messages if message["role"] != "user"]
    parts = [part["type"] for content in users if isinstance(content, list) for part in content]
    return all(isinstance(content, str) for content in rest) and set(parts) <= {"text", "image_url"}


def _user_begins(messages: list[Json]) -> bool:
    return [role for role in _roles(messages) if role != "system"][:1] == ["user"]


def _results_follow_calls(messages: list[Json]) -> bool:
    """Say whether each call has its one result at once, and each result its call."""
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                return False
            waiting.remove(message["tool_call_id"])
        elif waiting:
            return False
        waiting += [call["id"] for call in message.get("tool_calls", [])]
    return not waiting


def _ends_open(messages: list[Json]) -> bool:
    return messages[-1]["role"] in ("user", "tool")


def _no_role_twice(messages: list[Json]) -> bool:
    roles = _roles(messages)
    return not any(one == two != "tool" for one, two in pairwise(roles))


def _one_call_at_a_time(messages: list[Json]) -> bool:
    return all(len(message.get("tool_calls", [1])) == 1 for message in messages)


def _turns_without_tools_alternate(messages: list[Json]) -> bool:
    """Say whether users and the model take turns where it calls nothing."""
    plain = [one["role"] for one in messages if one["role"] in ("user", "assistant") and "tool_calls" not in one]
    return all((role == "user") == (place % 2 == 0) for place, role in enumerate(plain))


def _ids_of_nine(messages: list[Json]) -> bool:
    calls = [call["id"] for message in messages for call in message.get("tool_calls", [])]
    return all(len(one) >= 9 and one.isascii() and one.isalnum() for one in calls)


def _reasoning_is_kept(messages: list[Json]) -> bool:
    """Say whether nothing ends the turn of the last call that has reasoning: a template drops what lies before."""
    thoughts = [place for place, message in enumerate(messages) if "reasoning_content" in message]
    return not thoughts or "user" not in _roles(messages)[thoughts[-1] :]


EVERYONE: list[Rule] = [_system_first, _is_text, _user_begins, _results_follow_calls, _ends_open, _no_role_twice]
# By a word in the model's name: what its template wants on top of that.
TEMPLATES: dict[str, list[Rule]] = {
    "qwen3-coder": [],
    "deepseek-v3.1": [_reasoning_is_kept],
    "glm-4.6": [_reasoning_is_kept],
    "kimi-k2-thinking": [_reasoning_is_kept],
    "minimax-m2": [_reasoning_is_kept],
    "llama-3.3-70b": [_one_call_at_a_time],
    "mistral-small": [_turns_without_tools_alternate, _ids_of_nine],
}


def complaints(model: str, request: Json) -> list[str]:
    """Return the names of the rules that a request breaks."""
    messages = request["messages"]
    broken = [rule.__name__ for rule in [*EVERYONE, *TEMPLATES[model]] if not rule(messages)]
    return broken + (_mistral(request) if "mistral" in model else [])


def _mistral(request: Json) -> list[str]:
    known = {name: request[name] for name in ("model", "messages", "tools", "temperature") if name in request}
    validator = MistralRequestValidatorV13 if _has_text_beside_calls(request) else MistralRequestValidatorV3
    try:
        validator(ValidationMode.serving).validate_request(ChatCompletionRequest.from_openai(**known))
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]
    return []


def _has_text_beside_calls(request: Json) -> bool:
    """Say whether a message has both, which the older tokenizers do not take."""
    return any(message.get("tool_calls") and message["content"] for message in request["messages"])
