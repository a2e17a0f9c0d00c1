"""A chat completion as a message of the Messages API: pure, plain dictionaries; the stream is in chat_stream."""

from __future__ import annotations

import json
from collections.abc import Mapping
from secrets import token_hex
from typing import Any

from llmswitch.gateway.chat_ids import to_client
from llmswitch.gateway.chat_request import OTHER_REASONING, signature
from llmswitch.gateway.wire import BadAnswer

Json = dict[str, Any]

_STOPS = {"length": "max_tokens", "content_filter": "refusal"}


class Asked:
    """What an answer has to fit: the model's name and its host, and the talk that was sent.

    `names` has the client's names of tools by the server's, `taken` the ids of calls that were there before.
    """

    def __init__(self, model: str, host: str, names: Mapping[str, str], taken: set[str]) -> None:
        self.model, self.host, self.names, self.taken = model, host, names, taken
        self.served = ""  # the model by its own name, once it said so


def message(data: object, asked: Asked) -> Json:
    """Return the message for a whole answer; BadAnswer where it is none."""
    check(data)
    choices = data.get("choices") if isinstance(data, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    said = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(data, dict) or not isinstance(choice, dict) or not isinstance(said, dict):
        raise BadAnswer("sent an answer without a message")
    if isinstance(data.get("model"), str):
        asked.served = data["model"]
    thought, text = texts(said)
    content: list[Json] = []
    if thought:
        content.append({"type": "thinking", "thinking": whole(thought), "signature": signed(said, asked.host)})
    if text:
        content.append({"type": "text", "text": whole(text)})
    content += [_use(call, asked) for call in calls(said)]
    stop = stop_reason(choice.get("finish_reason"), any(block["type"] == "tool_use" for block in content))
    return {**head(asked.model, data.get("usage")), "content": content, "stop_reason": stop}


def head(model: str, counts: object = None) -> Json:
    """Return a message without content, with the tokens that a host counted."""
    return {
        "id": f"msg_{token_hex(12)}", "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": usage(counts),
    }  # fmt: skip


def check(data: object) -> None:
    """Raise BadAnswer for an error in the place of an answer."""
    trouble = data.get("error") if isinstance(data, dict) else None
    if trouble:
        words = trouble.get("message") if isinstance(trouble, dict) else trouble
        raise BadAnswer(f"sent an error: {words if isinstance(words, str) else json.dumps(trouble)}")


def texts(said: Json) -> tuple[str, str]:
    """Return the reasoning and the text in a message or a delta.

    `reasoning_content` is DeepSeek's name, `reasoning` OpenRouter's and newer vLLM's (some send both with the same
    words); Mistral sends lists of parts, with reasoning in them.
    """
    thought, text = _plain(said.get("reasoning_content")) or _plain(said.get("reasoning")), ""
    content = said.get("content")
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict)]
        thought += "".join(_plain(part.get("thinking")) for part in parts if part.get("type") == "thinking")
        text = _plain([part for part in parts if part.get("type") != "thinking"])
    else:
        text = _plain(content)
    return thought, text + _plain(said.get("refusal"))


def signed(said: Json, host: str) -> str:
    """Return the signature of reasoning, by which it goes back to a host that wants it back."""
    return signature(host) if said.get("reasoning_content") else OTHER_REASONING


def _plain(content: object) -> str:
    if isinstance(content, list):
        return "".join(_plain(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def calls(said: Json) -> list[Json]:
    """Return the calls in a message or a delta, the older `function_call` among them."""
    listed = said.get("tool_calls")
    found = [call for call in listed if isinstance(call, dict)] if isinstance(listed, list) else []
    old = said.get("function_call")
    return [*found, {"index": 0, "function": old}] if isinstance(old, dict) else found


def function(call: Json) -> tuple[str, str, str]:
    """Return id, name and arguments of a call or a piece of one, "" for what it does not say."""
    named = call.get("function")
    fields = named if isinstance(named, dict) else {}
    arguments = fields.get("arguments")
    if isinstance(arguments, dict):  # older Ollama
        arguments = json.dumps(arguments)
    identifier, name = call.get("id"), fields.get("name")
    return (
        identifier if isinstance(identifier, str) else "",
        name if isinstance(name, str) else "",
        arguments if isinstance(arguments, str) else "",
    )


def _use(call: Json, asked: Asked) -> Json:
    identifier, name, arguments = function(call)
    if not name:
        raise BadAnswer("sent a call of no tool")
    try:
        given = json.loads(arguments) if arguments.strip() else {}
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise BadAnswer(f"sent a call of {name} whose arguments are no JSON object")
    return {
        "type": "tool_use",
        "id": to_client(identifier, asked.taken),
        "name": asked.names.get(name, name),
        "input": given,
    }


def stop_reason(finish: object, called: bool) -> str:
    """Return why an answer ended; some servers say `stop` behind a call."""
    if finish == "error":  # OpenRouter, when the provider behind it fails
        raise BadAnswer("broke off with an error")
    return _STOPS.get(str(finish)) or ("tool_use" if called else "end_turn")


def usage(data: object) -> Json:
    """Return the tokens: what was read from a cache is not input here.

    OpenAI has it in the details, DeepSeek and Moonshot beside them; OpenRouter says what was written, too.
    """
    counts = data if isinstance(data, dict) else {}
    details = counts.get("prompt_tokens_details")
    details = details if isinstance(details, dict) else {}
    read = _count(details.get("cached_tokens") or counts.get("prompt_cache_hit_tokens") or counts.get("cached_tokens"))
    wrote = _count(details.get("cache_write_tokens"))
    return {
        "input_tokens": max(0, _count(counts.get("prompt_tokens")) - read - wrote),
        "output_tokens": _count(counts.get("completion_tokens")),
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": wrote,
    }


def _count(number: object) -> int:
    return number if isinstance(number, int) and number > 0 else 0


def whole(text: str) -> str:
    """Return text in which halves of a character that stand alone are replaced; halves that meet make one."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
