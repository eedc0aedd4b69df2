"""A model service on loopback with scripted answers, for runs of real agent programs.

    python -m tools.screens.model_server --port 8099 --folder /home/dev/shop

It speaks the forms of four services (`model_dialects`) and answers as `model_script` says. It knows
no model, checks no key, and listens on 127.0.0.1 only.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from tools.screens import model_script as script
from tools.screens.model_dialects import Chat, Dialect, Gemini, Messages, Responses, failure

_MAX_BODY: Final = 16 << 20
_ENDS: Final[dict[str, type[Dialect]]] = {
    "/messages": Messages,
    "/chat/completions": Chat,
    "/responses": Responses,
    ":generateContent": Gemini,
    ":streamGenerateContent": Gemini,
}


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: ModelServer

    def do_GET(self) -> None:
        """Tell of the one model there is; whatever else is asked for is not here."""
        if self.path.partition("?")[0].endswith("/models"):
            self._json(200, {"object": "list", "data": [{"id": "scripted", "object": "model"}]})
        else:
            self._json(404, {"error": {"message": "not here", "type": "not_found_error"}})

    def do_POST(self) -> None:
        """Answer a request to a model."""
        body: dict[str, Any] = json.loads(self.rfile.read(self._length()) or b"{}")
        path = self.path.partition("?")[0]
        self.server.note(path, body)
        if path.endswith((":countTokens", "/count_tokens")):
            self._json(200, {"totalTokens": 1200, "input_tokens": 1200})
            return
        form = next((form for end, form in _ENDS.items() if path.endswith(end)), None)
        if form is None:
            self._json(404, {"error": {"message": "not here", "type": "not_found_error"}})
            return
        request = form.read(body)
        steps = script.answer(request)
        fail = next((step for step in steps if isinstance(step, script.Fail)), None)
        try:
            if fail is not None:
                self._json(fail.status, failure(fail, form.form))
            elif request.streams or path.endswith(":streamGenerateContent"):
                self._stream(form(body), steps, request)
            else:
                answer = form(body)
                for _ in self._pieces(answer, steps, request, hurry=True):
                    pass
                self._json(200, answer.whole())
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the program has read enough: somebody pressed Esc

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Print nothing: the program's terminal is being looked at."""

    def _length(self) -> int:
        return min(int(self.headers.get("Content-Length") or 0), _MAX_BODY)

    def _json(self, status: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(
        self, answer: Dialect, steps: tuple[script.Step, ...], request: script.Request
    ) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for piece in self._pieces(answer, steps, request):
            self.wfile.write(piece)
            self.wfile.flush()

    def _pieces(
        self,
        answer: Dialect,
        steps: tuple[script.Step, ...],
        request: script.Request,
        *,
        hurry: bool = False,
    ) -> Iterator[bytes]:
        yield from answer.start()
        for step in steps:
            match step:
                case script.Say(text, seconds):
                    for word in text.split(" ") if seconds else [text]:
                        yield from answer.text(word + " " if seconds else word)
                        time.sleep(0 if hurry else seconds)
                case script.Use():
                    call = script.tool_call(step, request, self.server.folder)
                    if call is not None:
                        yield from answer.call(*call)
                case script.Hang(seconds):
                    time.sleep(seconds)
                case script.Fail():
                    pass  # told before the answer began
        yield from answer.end()


class ModelServer(ThreadingHTTPServer):
    """The service.

    Args:
        port: on 127.0.0.1; 0 for any.
        folder: where the programs run.
        log: a file that is told each request, for whoever writes a script.
    """

    daemon_threads = True

    def __init__(self, port: int, folder: str, log: Path | None = None) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.folder = folder
        self._log = log

    def handle_error(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        """Pass over programs that hang up: they ended, or somebody stopped them."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def note(self, path: str, body: dict[str, Any]) -> None:
        """Write down a request."""
        if self._log is not None:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"path": path, "body": body}) + "\n")


def main() -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--folder", default="/home/dev/shop")
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    with ModelServer(options.port, options.folder, options.log) as server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
