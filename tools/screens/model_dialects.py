"""Four services' forms of one conversation: how a request is read, how an answer is put.

The forms are those of OpenAI's chat completions and responses, of Anthropic's messages and of
Gemini's generateContent, as far as command-line agents use them. Nothing here waits or sends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol
from uuid import uuid4

from tools.screens.model_script import Fail, Request

Json = dict[str, Any]
_USAGE: Final = {"input_tokens": 1200, "output_tokens": 60}
# How the forms mark a tool's result.
_RESULTS: Final = frozenset(
    ("tool", "tool_result", "functionResponse", "function_call_output", "custom_tool_call_output")
)
# What programs add to a person's words.
_ADDED: Final = re.compile(r"<([a-z_-]+)>.*?</\1>|^\[Request interrupted.*?\]", re.DOTALL)
# The one program without tools says so by its model's name.
TOOLLESS_MODEL: Final = "pair"


class Dialect(Protocol):
    """One service's form; an object is one answer."""

    form: str

    def __init__(self, body: Json) -> None: ...

    @staticmethod
    def read(body: Json) -> Request:
        """Read a request."""

    def start(self) -> Iterator[bytes]:
        """Begin a streamed answer."""

    def text(self, piece: str) -> Iterator[bytes]:
        """Stream a piece of text."""

    def call(self, name: str, arguments: Mapping[str, object]) -> Iterator[bytes]:
        """Stream a tool call."""

    def end(self) -> Iterator[bytes]:
        """End a streamed answer."""

    def whole(self) -> Json:
        """Give the answer that was streamed in one piece."""


def failure(fail: Fail, form: str) -> Json:
    """Put an error."""
    if form == "gemini":
        status = {401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED"}.get(fail.status, "INTERNAL")
        return {"error": {"code": fail.status, "message": fail.message, "status": status}}
    error = {"type": fail.kind, "message": fail.message, "code": fail.kind}
    return {"type": "error", "error": error}


class Messages:
    """Anthropic's messages."""

    form = "messages"

    def __init__(self, body: Json) -> None:
        self._model = str(body.get("model", ""))
        self._id = _new_id("msg")
        self._blocks: list[Json] = []
        self._open = False

    @staticmethod
    def read(body: Json) -> Request:
        """Read a request."""
        tools = {
            tool["name"]: frozenset(tool.get("input_schema", {}).get("properties", ()))
            for tool in body.get("tools", ())
        }
        said, results = _said(body.get("messages", ()))
        aside = "" if tools else "json"
        return Request(said, results, tools, bool(body.get("stream")), aside)

    def start(self) -> Iterator[bytes]:
        """Begin a streamed answer."""
        yield _named("message_start", message=self._message([], None))

    def text(self, piece: str) -> Iterator[bytes]:
        """Stream a piece of text."""
        if not self._open:
            self._open = True
            self._blocks.append({"type": "text", "text": ""})
            yield self._start_of({"type": "text", "text": ""})
        self._blocks[-1]["text"] += piece
        yield self._delta({"type": "text_delta", "text": piece})

    def call(self, name: str, arguments: Mapping[str, object]) -> Iterator[bytes]:
        """Stream a tool call."""
        yield from self._close()
        block = {"type": "tool_use", "id": _new_id("toolu"), "name": name, "input": {}}
        self._blocks.append({**block, "input": dict(arguments)})
        self._open = True
        yield self._start_of(block)
        yield self._delta({"type": "input_json_delta", "partial_json": json.dumps(arguments)})

    def end(self) -> Iterator[bytes]:
        """End a streamed answer."""
        yield from self._close()
        delta = {"stop_reason": self._stop(), "stop_sequence": None}
        yield _named("message_delta", delta=delta, usage=_USAGE)
        yield _named("message_stop")

    def whole(self) -> Json:
        """Give the answer that was streamed in one piece."""
        return self._message(self._blocks, self._stop())

    def _stop(self) -> str:
        return "tool_use" if any(b["type"] == "tool_use" for b in self._blocks) else "end_turn"

    def _message(self, blocks: list[Json], stop: str | None) -> Json:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": blocks,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": _USAGE,
        }

    def _start_of(self, block: Json) -> bytes:
        index = len(self._blocks) - 1
        return _named("content_block_start", index=index, content_block=block)

    def _delta(self, delta: Json) -> bytes:
        return _named("content_block_delta", index=len(self._blocks) - 1, delta=delta)

    def _close(self) -> Iterator[bytes]:
        if self._open:
            self._open = False
            yield _named("content_block_stop", index=len(self._blocks) - 1)


class Chat:
    """OpenAI's chat completions."""

    form = "chat"

    def __init__(self, body: Json) -> None:
        self._model = str(body.get("model", ""))
        self._id = _new_id("chat")
        self._text = ""
        self._calls: list[Json] = []

    @staticmethod
    def read(body: Json) -> Request:
        """Read a request."""
        functions = [tool["function"] for tool in body.get("tools") or () if "function" in tool]
        tools = {
            f["name"]: frozenset(f.get("parameters", {}).get("properties", ())) for f in functions
        }
        said, results = _said(body.get("messages", ()))
        whole = tools or str(body.get("model", "")).endswith(TOOLLESS_MODEL)
        return Request(said, results, tools, bool(body.get("stream")), "" if whole else "text")

    def start(self) -> Iterator[bytes]:
        """Begin a streamed answer."""
        yield self._chunk({"role": "assistant", "content": ""})

    def text(self, piece: str) -> Iterator[bytes]:
        """Stream a piece of text."""
        self._text += piece
        yield self._chunk({"content": piece})

    def call(self, name: str, arguments: Mapping[str, object]) -> Iterator[bytes]:
        """Stream a tool call."""
        index = len(self._calls)
        function = {"name": name, "arguments": json.dumps(arguments)}
        self._calls.append({"id": _new_id("call"), "type": "function", "function": function})
        yield self._chunk({"tool_calls": [{"index": index, **self._calls[-1]}]})

    def end(self) -> Iterator[bytes]:
        """End a streamed answer."""
        yield self._chunk({}, self._stop(), usage=self._usage())
        yield b"data: [DONE]\n\n"

    def whole(self) -> Json:
        """Give the answer that was streamed in one piece."""
        message: Json = {"role": "assistant", "content": self._text or None}
        if self._calls:
            message["tool_calls"] = self._calls
        choice = {"index": 0, "message": message, "finish_reason": self._stop()}
        return {**self._head("chat.completion"), "choices": [choice], "usage": self._usage()}

    def _stop(self) -> str:
        return "tool_calls" if self._calls else "stop"

    @staticmethod
    def _usage() -> Json:
        return {"prompt_tokens": 1200, "completion_tokens": 60, "total_tokens": 1260}

    def _head(self, kind: str) -> Json:
        return {"id": self._id, "object": kind, "created": 1, "model": self._model}

    def _chunk(self, delta: Json, stop: str | None = None, **more: Json) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": stop}
        return _data({**self._head("chat.completion.chunk"), "choices": [choice], **more})


class Responses:
    """OpenAI's responses."""

    form = "responses"

    def __init__(self, body: Json) -> None:
        self._model = str(body.get("model", ""))
        self._id = _new_id("resp")
        self._items: list[Json] = []
        self._open = False

    @staticmethod
    def read(body: Json) -> Request:
        """Read a request."""
        tools = {
            tool["name"]: frozenset((tool.get("parameters") or {}).get("properties", ()))
            for tool in body.get("tools") or ()
            if "name" in tool
        }
        said, results = _said(body.get("input", ()))
        return Request(said, results, tools, bool(body.get("stream")), "" if tools else "text")

    def start(self) -> Iterator[bytes]:
        """Begin a streamed answer."""
        yield _named("response.created", response=self._response("in_progress"))

    def text(self, piece: str) -> Iterator[bytes]:
        """Stream a piece of text."""
        if not self._open:
            self._open = True
            part = {"type": "output_text", "text": "", "annotations": []}
            self._items.append(self._item("message", role="assistant", content=[part]))
            empty = {**self._items[-1], "content": []}
            yield self._of("response.output_item.added", item=empty)
            yield self._of("response.content_part.added", content_index=0, part=part)
        self._items[-1]["content"][0]["text"] += piece
        item_id = self._items[-1]["id"]
        yield self._of("response.output_text.delta", content_index=0, item_id=item_id, delta=piece)

    def call(self, name: str, arguments: Mapping[str, object]) -> Iterator[bytes]:
        """Stream a tool call."""
        text = json.dumps(arguments)
        yield from self._call("function_call", name=name, arguments=text)

    def end(self) -> Iterator[bytes]:
        """End a streamed answer."""
        yield from self._close()
        yield _named("response.completed", response=self._response("completed"))

    def whole(self) -> Json:
        """Give the answer that was streamed in one piece."""
        return self._response("completed")

    def _call(self, kind: str, **values: str) -> Iterator[bytes]:
        yield from self._close()
        self._items.append(self._item(kind, call_id=_new_id("call"), **values))
        self._open = True
        yield self._of("response.output_item.added", item=self._items[-1])

    def _close(self) -> Iterator[bytes]:
        if self._open:
            self._open = False
            yield self._of("response.output_item.done", item=self._items[-1])

    def _item(self, kind: str, **values: object) -> Json:
        return {"type": kind, "id": _new_id("item"), "status": "completed", **values}

    def _of(self, event: str, **values: object) -> bytes:
        return _named(event, output_index=len(self._items) - 1, **values)

    def _response(self, status: str) -> Json:
        usage = {**_USAGE, "total_tokens": 1260}
        details = {"input_tokens_details": {"cached_tokens": 0}}
        return {
            "id": self._id,
            "object": "response",
            "created_at": 1,
            "status": status,
            "model": self._model,
            "output": self._items if status == "completed" else [],
            "usage": {**usage, **details, "output_tokens_details": {"reasoning_tokens": 0}},
        }


class Gemini:
    """Gemini's generateContent."""

    form = "gemini"

    def __init__(self, body: Json) -> None:
        del body
        self._parts: list[Json] = []

    @staticmethod
    def read(body: Json) -> Request:
        """Read a request."""
        tools = {}
        for tool in body.get("tools") or ():
            for function in tool.get("functionDeclarations", ()):
                schema = function.get("parametersJsonSchema") or function.get("parameters") or {}
                tools[function["name"]] = frozenset(schema.get("properties", ()))
        said, results = _said(body.get("contents", ()))
        return Request(said, results, tools, aside="" if tools else "text")

    def start(self) -> Iterator[bytes]:
        """Begin a streamed answer."""
        yield from ()

    def text(self, piece: str) -> Iterator[bytes]:
        """Stream a piece of text."""
        self._parts.append({"text": piece})
        yield _data(self._answer([{"text": piece}], ""))

    def call(self, name: str, arguments: Mapping[str, object]) -> Iterator[bytes]:
        """Stream a tool call."""
        self._parts.append({"functionCall": {"name": name, "args": dict(arguments)}})
        yield _data(self._answer(self._parts[-1:], ""))

    def end(self) -> Iterator[bytes]:
        """End a streamed answer."""
        yield _data(self._answer([{"text": ""}], "STOP"))

    def whole(self) -> Json:
        """Give the answer that was streamed in one piece."""
        return self._answer(self._parts, "STOP")

    @staticmethod
    def _answer(parts: list[Json], stop: str) -> Json:
        candidate: Json = {"content": {"role": "model", "parts": parts}, "index": 0}
        if stop:
            candidate["finishReason"] = stop
        usage = {"promptTokenCount": 1200, "candidatesTokenCount": 60, "totalTokenCount": 1260}
        return {"candidates": [candidate], "usageMetadata": usage}


def _said(messages: Sequence[Json]) -> tuple[str, int]:
    """Find the text of the person's last message, and count the tools' results since."""
    results = 0
    said: list[str] = []
    for message in reversed(messages):
        content = message.get("content", message.get("parts"))
        parts = [{"text": content}] if isinstance(content, str) else content or []
        person = message.get("role") == "user"
        if message.get("type") in _RESULTS or message.get("role") in _RESULTS:
            results += 1
            continue
        for part in reversed(parts):
            text = _ADDED.sub("", str(part.get("text", ""))).strip()
            if part.get("type") in _RESULTS or not _RESULTS.isdisjoint(part):
                if said:
                    return "\n".join(reversed(said)), results
                results += 1
            elif person and text:
                said.append(text)
        if said:
            break
    return "\n".join(reversed(said)), results


def _new_id(kind: str) -> str:
    return f"{kind}_{uuid4().hex[:12]}"  # programs keep the calls of a whole conversation by id


def _data(value: Json) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()


def _named(event: str, **values: object) -> bytes:
    return f"event: {event}\n".encode() + _data({"type": event, **values})
