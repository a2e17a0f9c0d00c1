"""What Claude Code really sends, made fit for an OpenAI-format host before any-llm translates it.

Each rule is for something that Claude Code 2.1.329 sends, that any-llm 1.40 hands on as it is, and that hosts which
check their input refuse: blocks and fields that only Anthropic's own API knows.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Block = dict[str, Any]

# Fields that mean the same on both sides; `thinking` and `effort` are left to the host's own default, since a model
# that does not reason refuses them.
_KEPT = ("max_tokens", "system", "temperature", "top_p", "stream", "stop_sequences")
NO_OUTPUT = "(no output)"


def arguments(body: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments for any-llm's `amessages` that a request body amounts to, but not the model."""
    made = {name: body[name] for name in _KEPT if body.get(name) is not None}
    made["messages"] = [message for each in body.get("messages") or [] if (message := _message(each))]
    if tools := [_tool(tool) for tool in body.get("tools") or [] if "input_schema" in tool]:
        made["tools"] = tools
        if choice := _choice(body.get("tool_choice"), {tool["name"] for tool in tools}):
            made["tool_choice"] = choice
    schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    if schema:
        # Not `strict`: for that OpenAI demands more of a schema than Anthropic does.
        made["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    return made


def _message(message: Block) -> Block | None:
    """Return a message without what only Anthropic reads; None where nothing is left of it."""
    role, content = message["role"], message.get("content")
    if isinstance(content, str):
        return {"role": role, "content": content}
    blocks = [made for block in content or [] if (made := _block(block))]
    if role == "system":  # Claude Code puts one between messages, with cache_control
        return {"role": role, "content": "\n".join(block.get("text", "") for block in blocks)}
    return {"role": role, "content": blocks} if blocks else None


def _block(block: Block) -> Block | None:
    made = {name: value for name, value in block.items() if name != "cache_control"}
    kind = made.get("type")
    if kind in ("text", "image", "tool_use"):
        return made if kind != "text" or made.get("text") else None
    if kind == "tool_result":
        return {**made, "content": _result(made.get("content"))}
    if kind == "document":
        return _document(made)
    return None  # thinking, and what Anthropic's own tools leave behind


def _result(content: object) -> object:
    """Return a tool's result; an empty one is said to be, because hosts refuse empty content."""
    if not isinstance(content, list):
        return content or NO_OUTPUT
    made = [_document(block) if block.get("type") == "document" else block for block in content]
    if made and all(block.get("type") == "image" for block in made):
        made = [{"type": "text", "text": "(an image, which follows)"}, *made]
    return [{name: value for name, value in block.items() if name != "cache_control"} for block in made] or NO_OUTPUT


def _document(block: Block) -> Block:
    """Return a document as text: what it says where it is text, else a note, since few hosts read PDF files."""
    source = block.get("source") or {}
    if source.get("type") == "text":
        return {"type": "text", "text": source.get("data") or NO_OUTPUT}
    title = block.get("title") or source.get("media_type") or "a file"
    return {"type": "text", "text": f"[A document was left out here ({title}): this model's host takes none.]"}


def _tool(tool: Block) -> Block:
    return {name: tool[name] for name in ("name", "description", "input_schema") if name in tool}


def _choice(choice: Block | None, names: set[str]) -> Block | None:
    """Return the choice of a tool, None where it names one that is not there (Anthropic's own ones)."""
    return choice if choice and choice.get("name", None) in {None, *names} else None
