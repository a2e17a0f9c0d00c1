"""A Messages request as a chat completion request that strict OpenAI-format servers take: pure, plain dictionaries.

What servers refuse, and so is never sent: a system message that is not the first (Qwen's templates in vLLM, llama.cpp
and Ollama), anything between a call and its result, a result without its call or a call without its result
(Mistral, OpenAI), two messages of one role in a row (Gemma, Mistral), a talk that the user does not begin (Llama,
Mistral), several calls at once (Llama), null beside a call (GLM and MiniMax print "None"), unknown fields.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from llmswitch.gateway.chat_ids import short_name, to_server

Json = dict[str, Any]

NO_OUTPUT = "(no output)"
NO_RESULT = "(no result: the call was not carried out)"
GO_ON = "(go on)"
IMAGE_NEXT = "(now the image)"
# How the thinking blocks made from what a host sends are signed; what came as `reasoning_content` goes back to that
# host with a tool call, as DeepSeek, Moonshot and Z.ai want it. No other host ever sees such a field.
_REASONING = "llmswitch:reasoning_content:"
OTHER_REASONING = "llmswitch:reasoning"
_IMAGE_FOLLOWS = "(an image, which follows)"
# Fields that mean the same on both sides; `thinking` and `effort` are left to the host's own default, since a model
# that does not reason refuses them.
_SAME = ("temperature", "top_p")
# These hosts want the new name of the limit, and some others know only the old one.
_NEW_LIMIT = ("api.openai.com",)
_MISTRAL = ("mistral", "mixtral", "codestral", "devstral", "ministral", "pixtral", "magistral")
# Claude Code's own words for what it tells the model in the middle of a talk.
_REMINDER = "<system-reminder>"
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def request(body: Json, model: str, host: str) -> Json:
    """Return the chat completion request for a Messages request; KeyError, TypeError, ValueError or AttributeError
    where it is none."""
    made: Json = {"model": model, "messages": _Messages(_is_mistral(model, host), signature(host)).of(body)}
    if "llama" in model.lower():
        made["messages"] = _one_call_each(made["messages"])
    made["max_completion_tokens" if host in _NEW_LIMIT else "max_tokens"] = body.get("max_tokens") or 4096
    made |= {name: body[name] for name in _SAME if body.get(name) is not None}
    if body.get("stop_sequences"):
        made["stop"] = body["stop_sequences"][:4]
    if body.get("stream"):
        made |= {"stream": True, "stream_options": {"include_usage": True}}
    if tools := [_tool(tool) for tool in body.get("tools") or [] if "input_schema" in tool]:
        made["tools"] = tools
        made |= _choice(body.get("tool_choice") or {}, {tool["function"]["name"] for tool in tools})
    schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    if schema:
        # Not `strict`: for that OpenAI demands more of a schema than Anthropic does.
        made["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    return made


def signature(host: str) -> str:
    """Return how thinking is signed that goes back to a host."""
    return _REASONING + host


def call_ids(body: Json) -> set[str]:
    """Return the ids of the tool calls in a request, none of which an answer may have again."""
    blocks = [message.get("content") for message in body["messages"] if message["role"] == "assistant"]
    return {block["id"] for content in blocks if isinstance(content, list) for block in content if "id" in block}


def tool_names(body: Json) -> list[str]:
    """Return the names of the tools that a request offers."""
    return [str(tool["name"]) for tool in body.get("tools") or [] if "input_schema" in tool]


@lru_cache(maxsize=256)
def _is_mistral(model: str, host: str) -> bool:
    return any(word in f"{host}/{model}".lower() for word in _MISTRAL)


def _tool(tool: Json) -> Json:
    parameters = {"type": "object", "properties": {}, **tool["input_schema"]}
    function = {
        "name": short_name(tool["name"]),
        "description": tool.get("description") or "",
        "parameters": parameters,
    }
    return {"type": "function", "function": function}


def _choice(choice: Json, names: set[str]) -> Json:
    """Return the choice of a tool; nothing where it names one that is not there (Anthropic's own ones)."""
    made: Json = {"parallel_tool_calls": False} if choice.get("disable_parallel_tool_use") else {}
    if choice.get("type") in _CHOICES:
        return {"tool_choice": _CHOICES[choice["type"]], **made}
    name = short_name(choice.get("name") or "?")
    return {"tool_choice": {"type": "function", "function": {"name": name}}, **made} if name in names else made


class _Messages:
    """Puts messages together, with what came between a call and its results behind them."""

    def __init__(self, mistral: bool, reasoning: str) -> None:
        self._mistral = mistral
        self._reasoning = "none" if mistral else reasoning  # Mistral has it in parts, and its older models refuse them
        self._made: list[Json] = []
        self._open: dict[str, None] = {}  # calls that have no result yet, in their order
        self._waiting: list[Json] = []  # parts of the next user message

    def of(self, body: Json) -> list[Json]:
        """Return the messages of a request, the system prompt first."""
        words = "\n\n".join(_texts(body.get("system")))
        if words:
            self._made.append({"role": "system", "content": words})
        for message in body["messages"]:
            role, content = message["role"], message.get("content")
            blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
            if role == "system":  # Claude Code puts one between messages
                self._say("".join(f"{_REMINDER}\n{text}\n</system-reminder>" for text in _texts(blocks)))
            elif role == "assistant":
                self._assistant(blocks)
            else:
                self._user(blocks)
        self._close_turn()
        if not self._made or self._made[-1]["role"] not in ("user", "tool"):
            self._made.append({"role": "user", "content": GO_ON})
        return self._made

    def _say(self, text: str) -> None:
        if text:
            self._waiting.append({"type": "text", "text": text})

    def _user(self, blocks: list[Json]) -> None:
        for block in sorted(blocks, key=lambda block: block["type"] != "tool_result"):  # a stable order: results first
            kind = block["type"]
            if kind == "tool_result":
                self._result(block)
            elif kind == "image":
                self._waiting.append(_image(block))
            else:
                self._say(block["text"] if kind == "text" else _document(block) if kind == "document" else "")

    def _result(self, block: Json) -> None:
        text, images = _result(block.get("content"))
        identifier = to_server(block["tool_use_id"], self._mistral)
        if identifier not in self._open:
            self._say(f"The result of an earlier call: {text}")
        else:
            del self._open[identifier]
            self._made.append({"role": "tool", "tool_call_id": identifier, "content": text})
        self._waiting += images

    def _assistant(self, blocks: list[Json]) -> None:
        text = "".join(block["text"] for block in blocks if block["type"] == "text")
        uses = [block for block in blocks if block["type"] == "tool_use"]
        if not text and not uses:
            return  # nothing but thinking, and what Anthropic's own tools leave behind
        last = self._last_answer()
        last["content"] = "\n\n".join(part for part in (last["content"], text) if part)
        for call in [self._call(block) for block in uses]:
            if call["id"] not in self._open:  # twice the same id would be one call with two results
                last.setdefault("tool_calls", []).append(call)
                self._open[call["id"]] = None
        thoughts = [block["thinking"] for block in blocks if block.get("signature") == self._reasoning]
        if uses and thoughts:
            last["reasoning_content"] = "\n".join(thoughts)

    def _last_answer(self) -> Json:
        """Return the model's message that is the last one, or a new one."""
        if self._waiting or not self._made or self._made[-1]["role"] != "assistant":
            self._close_turn()
        if not self._made or self._made[-1]["role"] == "system":
            self._made.append({"role": "user", "content": GO_ON})
        if self._made[-1]["role"] != "assistant":
            self._made.append({"role": "assistant", "content": ""})
        return self._made[-1]

    def _call(self, block: Json) -> Json:
        arguments = json.dumps(block.get("input") or {}, ensure_ascii=False)
        function = {"name": short_name(block["name"]), "arguments": arguments}
        return {"id": to_server(block["id"], self._mistral), "type": "function", "function": function}

    def _close_turn(self) -> None:
        """Answer the calls that nobody did, and then say what waited."""
        for identifier in self._open:
            self._made.append({"role": "tool", "tool_call_id": identifier, "content": NO_RESULT})
        self._open = {}
        parts, self._waiting = self._waiting, []
        last = self._made[-1] if self._made else {}
        if last.get("role") == "tool":
            joined = [part["text"] for part in parts if self._joins_result(part)]
            last["content"] = "\n\n".join([last["content"], *joined])
            parts = [part for part in parts if not self._joins_result(part)]
        if not parts:
            return
        if last.get("role") == "tool" and self._mistral:  # their templates take a user behind an answer only
            self._made.append({"role": "assistant", "content": IMAGE_NEXT})
        if last.get("role") == "user":
            last["content"] = _joined([*_parts(last["content"]), *parts])
        else:
            self._made.append({"role": "user", "content": _joined(parts)})

    def _joins_result(self, part: Json) -> bool:
        """Say whether a text goes into the result before it: for GLM, MiniMax and DeepSeek a message of the user's
        ends the turn, and with it the reasoning; Mistral refuses one there."""
        return part["type"] == "text" and (self._mistral or part["text"].startswith(_REMINDER))


def _one_call_each(messages: list[Json]) -> list[Json]:
    """Return the messages with parallel calls one after the other, each with its result."""
    made: list[Json] = []
    for place, message in enumerate(messages):
        calls = message.get("tool_calls", [])
        results = {one.get("tool_call_id"): one for one in messages[place + 1 : place + 1 + len(calls)]}
        for number, call in enumerate(calls):
            made.append({**message, "content": "" if number else message["content"], "tool_calls": [call]})
            made.append(results[call["id"]])
        if not calls and message["role"] != "tool":
            made.append(message)
    return made


def _parts(content: Any) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _joined(parts: list[Json]) -> str | list[Json]:
    """Return parts as text where they are nothing else: some servers take no list."""
    if all(part["type"] == "text" for part in parts):
        return "\n\n".join(part["text"] for part in parts)
    return parts


def _texts(content: Any) -> list[str]:
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    return [block["text"] for block in blocks if block.get("text")]


def _image(block: Json) -> Json:
    source = block["source"]
    url = source["url"] if source["type"] == "url" else f"data:{source['media_type']};base64,{source['data']}"
    return {"type": "image_url", "image_url": {"url": url}}


def _result(content: Any) -> tuple[str, list[Json]]:
    """Return a tool's result as text, and its images, which servers take from a user only."""
    if isinstance(content, str) or not content:
        return content or NO_OUTPUT, []
    images = [_image(block) for block in content if block["type"] == "image"]
    texts = [text for block in content if (text := _result_text(block))]
    return "\n".join(texts) or (_IMAGE_FOLLOWS if images else NO_OUTPUT), images


def _result_text(block: Json) -> str:
    kind = block["type"]
    if kind == "text":
        return str(block["text"])
    if kind == "document":
        return _document(block)
    return (
        "" if kind == "image" else json.dumps({name: text for name, text in block.items() if name != "cache_control"})
    )


def _document(block: Json) -> str:
    """Return a document as text: what it says where it is text, else a note, since few hosts read PDF files."""
    source = block.get("source") or {}
    if source.get("type") == "text":
        return source.get("data") or NO_OUTPUT
    title = block.get("title") or source.get("media_type") or "a file"
    return f"[A document was left out here ({title}): this model's host takes none.]"
