"""The chunks of a streamed chat completion as events of the Messages API: pure, bytes in and bytes out.

The events are what Anthropic's own API would send: blocks numbered from 0, one open at a time. Servers interleave the
pieces of parallel calls; the first call goes on as it comes, the pieces of the others wait until it is whole. An
answer without a reason for its end is never ended here: a short answer must not look like a whole one.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from llmswitch.base.fastjson import dumps
from llmswitch.gateway import chat_answer
from llmswitch.gateway.chat_answer import Asked
from llmswitch.gateway.chat_ids import to_client
from llmswitch.gateway.wire import BadAnswer

Json = dict[str, Any]

# No model says as much; the longest that was seen are a few MB of arguments in one piece.
LONGEST_LINE = LONGEST_CALLS = 32 * 1024 * 1024
MOST_BLOCKS = 10_000
_DELTAS = {"text": ("text_delta", "text"), "thinking": ("thinking_delta", "thinking"),
           "tool_use": ("input_json_delta", "partial_json")}  # fmt: skip
_DONE = "[DONE]"


class Lines:
    """Takes bytes as they come and gives the data of each event; BadAnswer for a line without an end."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []
        self._length = 0

    def feed(self, data: bytes) -> list[str]:
        """Return what stands behind `data:` in the lines that are whole by now; a comment is nothing."""
        whole, end, rest = data.rpartition(b"\n")
        if not end:
            self._keep(rest)
            return []
        lines = b"".join([*self._begun, whole])
        self._begun, self._length = [], 0
        if rest:
            self._keep(rest)
        return [line[5:].strip().decode("utf-8", "replace") for line in lines.split(b"\n") if line.startswith(b"data:")]

    def end(self) -> list[str]:
        """Return what a last line without its end says."""
        return self.feed(b"\n")

    def _keep(self, data: bytes) -> None:
        self._begun.append(data)
        self._length += len(data)
        if self._length > LONGEST_LINE:
            raise BadAnswer(f"sent a line of more than {LONGEST_LINE // 1024**2} MiB")


class Block:
    """A block of the answer: what of it was not sent yet, a call's name and id, the signature of thinking."""

    def __init__(self, kind: str, key: int = -1, identifier: str = "") -> None:
        self.kind, self.key, self.raw_id = kind, key, identifier
        self.name = ""
        self.pieces: list[str] = []  # all of a call's arguments; of other blocks what is not sent yet
        self.sent = 0
        self.half = ""  # the first half of a character, whose second comes with the next piece
        self.open = False


class Stream:
    """Turns chunks into events; BadAnswer for what is no answer, and from `end` for one that broke off."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._names = asked, asked.names
        self._out: list[str] = []
        self._blocks: list[Block] = []  # the first is open or about to be; the others wait
        self._calls: dict[int, Block] = {}
        self._index = self._length = self._count = 0
        self._finish: object = None
        self._usage: object = None
        self._called = self._begun = self.done = False

    def feed(self, data: str) -> None:
        """Take the data of one event."""
        if data == _DONE or not data:
            self.done = self.done or data == _DONE
            return
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError):
            raise BadAnswer("sent a chunk that is no JSON") from None
        chat_answer.check(chunk)
        if not isinstance(chunk, dict):
            raise BadAnswer("sent a chunk that is no JSON object")
        if not self._asked.served and isinstance(chunk.get("model"), str):
            self._asked.served = chunk["model"]
        self.begin()
        self._usage = chunk.get("usage") or self._usage
        choices = chunk.get("choices")
        if isinstance(choices, list) and choices and isinstance(choices[0], dict):
            self._choice(choices[0])

    def take(self) -> bytes:
        """Return the events that are ready."""
        if not self._out:
            return b""
        made, self._out = "".join(self._out), []
        return made.encode()

    def end(self) -> None:
        """Say that nothing more comes; BadAnswer where that is not the end of an answer."""
        if self._finish is None:
            raise BadAnswer("ended the answer without saying why; it may be cut short")
        stop = chat_answer.stop_reason(self._finish, self._called)
        while self._blocks:
            self._close_first()
        delta = {"stop_reason": stop, "stop_sequence": None}
        self._event({"type": "message_delta", "delta": delta, "usage": chat_answer.usage(self._usage)})
        self._event({"type": "message_stop"})

    def begin(self) -> None:
        """Begin the answer, if that was not done yet."""
        if not self._begun:
            self._begun = True
            self._event({"type": "message_start", "message": chat_answer.head(self._asked.model)})

    def _event(self, event: Json) -> None:
        self._out.append(f"event: {event['type']}\ndata: {dumps(event)}\n\n")

    def _choice(self, choice: Json) -> None:
        delta = choice.get("delta")
        if isinstance(delta, dict):
            content = delta.get("content")
            if len(delta) == 1 and isinstance(content, str):  # nearly every chunk
                thought, text = "", content
            else:
                thought, text = chat_answer.texts(delta)
            if thought:
                self._words("thinking", thought, chat_answer.signed(delta, self._asked.host))
            if text:
                self._words("text", text)
            for call in chat_answer.calls(delta) if len(delta) > 1 or "content" not in delta else ():
                self._call(call)
        self._finish = choice.get("finish_reason") or self._finish
        self._usage = choice.get("usage") or self._usage  # Moonshot has it here

    def _words(self, kind: str, text: str, signature: str = "") -> None:
        last = self._blocks[-1] if self._blocks else None
        if last is None or last.kind != kind:
            last = Block(kind, identifier=signature)
            self._add(last)
        self._piece(last, text)

    def _call(self, call: Json) -> None:
        identifier, name, arguments = chat_answer.function(call)
        block = self._known(call.get("index"), identifier, name)
        if block is None:
            key = call.get("index")
            block = Block("tool_use", key if isinstance(key, int) else len(self._calls), identifier)
            self._add(block)
            self._calls[block.key] = block
            self._called = True
        if name and not block.open:
            self._name(block, name)
        if arguments:
            self._piece(block, arguments)

    def _name(self, block: Block, name: str) -> None:
        """Take a call's name, which some servers send in pieces and some repeat with each."""
        if block.name + name in self._names or (name != block.name and block.name not in self._names):
            block.name += name

    def _known(self, index: object, identifier: str, name: str) -> Block | None:
        """Return the call that a piece belongs to, None where it begins one.

        Some servers send no index, some the index 0 for every call, some repeat the id, some the name as well.
        """
        if isinstance(index, int):
            block = self._calls.get(index)
        else:
            same = [call for call in self._calls.values() if identifier and call.raw_id == identifier]
            block = same[0] if same else next(reversed(self._calls.values()), None)
        if block is None:
            return None
        if identifier and identifier != block.raw_id and name:
            return None
        if not isinstance(index, int) and not identifier and name and block.pieces:
            return None
        return block

    def _add(self, block: Block) -> None:
        self._blocks.append(block)
        self._count += 1
        if self._count > MOST_BLOCKS:
            raise BadAnswer(f"sent an answer of more than {MOST_BLOCKS} parts")
        while len(self._blocks) > 1 and self._is_whole(self._blocks[0]):
            self._close_first()

    def _is_whole(self, block: Block) -> bool:
        """Say whether nothing more can come for a block behind which another begins."""
        if block.kind != "tool_use":
            return True
        try:
            return isinstance(json.loads("".join(block.pieces)), dict)
        except (ValueError, RecursionError):
            return False

    def _piece(self, block: Block, text: str) -> None:
        if block.half or "\ud800" <= text[-1] <= "\udbff" or not text.isascii():
            text = block.half + text
            block.half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
            text = chat_answer.whole(text[: -1 if block.half else None])
        block.pieces.append(text)
        if self._calls:  # from now on something may have to wait
            self._length += len(text)
            if self._length > LONGEST_CALLS:
                raise BadAnswer(f"sent calls of more than {LONGEST_CALLS // 1024**2} MiB")
        if self._blocks and block is self._blocks[0]:
            self._flush(block)
        elif block not in self._blocks and text.strip():
            raise BadAnswer(f"sent more arguments for a call of {block.name} that was whole")

    def _flush(self, block: Block) -> None:
        """Send what there is of the first block."""
        if block.kind == "tool_use" and not block.name:
            return  # its name comes late
        if not block.open:
            block.open = True
            self._event({"type": "content_block_start", "index": self._index, "content_block": self._start(block)})
        text = "".join(block.pieces[block.sent :])
        if block.kind == "tool_use":
            block.sent = len(block.pieces)
        else:
            block.pieces = []
        if text:
            kind, field = _DELTAS[block.kind]
            self._out.append(
                'event: content_block_delta\ndata: {"type":"content_block_delta","index":'
                f'{self._index},"delta":{{"type":"{kind}","{field}":{quoted(text)}}}}}\n\n'
            )

    def _start(self, block: Block) -> Json:
        if block.kind == "text":
            return {"type": "text", "text": ""}
        if block.kind == "thinking":
            return {"type": "thinking", "thinking": "", "signature": ""}
        name = self._names.get(block.name, block.name)
        return {"type": "tool_use", "id": to_client(block.raw_id, self._asked.taken), "name": name, "input": {}}

    def _close_first(self) -> None:
        block = self._blocks[0]
        if block.half:
            block.pieces.append("\ufffd")
        if block.kind == "tool_use" and not block.name:
            raise BadAnswer("sent a call of no tool")
        self._flush(block)
        if block.kind == "thinking":
            delta = {"type": "signature_delta", "signature": block.raw_id}
            self._event({"type": "content_block_delta", "index": self._index, "delta": delta})
        self._event({"type": "content_block_stop", "index": self._index})
        self._blocks.pop(0)
        self._index += 1
        if self._blocks and self._blocks[0].pieces:
            self._flush(self._blocks[0])


def events(message: Json) -> bytes:
    """Return the stream for a whole message, from a server that streams nothing though it was asked to."""
    out: list[Json] = [{"type": "message_start", "message": {**message, "content": [], "stop_reason": None}}]
    for index, block in enumerate(message["content"]):
        kind, field = _DELTAS[block["type"]]
        text = json.dumps(block["input"]) if kind == "input_json_delta" else block[field]
        empty = {**block, "input": {}} if kind == "input_json_delta" else {**block, field: ""}
        deltas = [{"type": kind, field: text}]
        if "signature" in block:
            empty["signature"] = ""
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        out.append({"type": "content_block_start", "index": index, "content_block": empty})
        out += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        out.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    out += [{"type": "message_delta", "delta": delta, "usage": message["usage"]}, {"type": "message_stop"}]
    return "".join(f"event: {event['type']}\ndata: {dumps(event)}\n\n" for event in out).encode()
