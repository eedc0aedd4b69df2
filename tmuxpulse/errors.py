"""Every error that leaves the package.

Each carries its data in attributes and a text written for the person who must act.

    TmuxpulseError
    ├── UsageError              the command line or a setting is wrong (exit code 2)
    ├── TmuxError               something about tmux (exit code 3)
    │   ├── TmuxNotFound        there is no tmux program to run
    │   ├── TmuxTooOld          the server's release lacks what an engine needs
    │   ├── TmuxUnavailable     no server answers on a socket
    │   ├── TmuxTimeout         a tmux command gave no answer in time
    │   ├── TmuxCommandFailed   tmux answered with an error
    │   ├── ListingBroken       the state stream cannot be understood any more
    │   └── ControlBroken       a control-mode stream cannot be understood any more
    ├── ServerError             something about a tmuxpulse server
    │   ├── ServerUnavailable   no server answers (exit code 3)
    │   ├── ServerRefused       it answered and refused (exit code 4)
    │   ├── AddressInUse        a server cannot listen where it was told to (exit code 1)
    │   └── EventsMissed        what was waited for may have come and gone unseen
    ├── TimedOut                what was waited for did not come in time
    └── RequestError            a client's request was refused: becomes an `error` message
"""

from __future__ import annotations

from typing import ClassVar


class TmuxpulseError(Exception):
    """Base of every error this package raises on purpose."""

    exit_code: ClassVar[int] = 1


class UsageError(TmuxpulseError):
    """The command line or a setting is wrong."""

    exit_code = 2


class TmuxError(TmuxpulseError):
    """Something about tmux went wrong."""

    exit_code = 3


class TmuxNotFound(TmuxError):
    """There is no tmux program to run."""


class TmuxTooOld(TmuxError):
    """The server's release lacks what an engine needs."""

    def __init__(self, message: str, *, version: str) -> None:
        super().__init__(message)
        self.version = version


class TmuxUnavailable(TmuxError):
    """No tmux server answers on a socket."""

    def __init__(self, message: str, *, socket: str) -> None:
        super().__init__(message)
        self.socket = socket


class TmuxTimeout(TmuxError):
    """A tmux command gave no answer in time.

    Attributes:
        seconds: how long was waited.
    """

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class TmuxCommandFailed(TmuxError):
    """Tmux answered with an error.

    Attributes:
        stderr: what it said.
        returncode: its exit status.
    """

    def __init__(self, message: str, *, stderr: str, returncode: int) -> None:
        super().__init__(message)
        self.stderr = stderr
        self.returncode = returncode


class ListingBroken(TmuxError):
    """The state stream cannot be understood any more; it has to be opened anew."""


class ControlBroken(TmuxError):
    """A control-mode stream cannot be understood any more; it has to be opened anew.

    Attributes:
        line: the offending bytes, cut to 200.
    """

    def __init__(self, message: str, *, line: bytes = b"") -> None:
        super().__init__(message)
        self.line = line[:200]


class ServerError(TmuxpulseError):
    """Something about a tmuxpulse server went wrong."""


class ServerUnavailable(ServerError):
    """No tmuxpulse server answers, or the connection to it broke."""

    exit_code = 3


class ServerRefused(ServerError):
    """A tmuxpulse server answered and refused.

    Attributes:
        code: the error code or close code it gave.
    """

    exit_code = 4

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class AddressInUse(ServerError):
    """A server cannot listen where it was told to."""


class EventsMissed(ServerError):
    """While something was waited for, events were missed; it may have been among them."""


class TimedOut(TmuxpulseError, TimeoutError):
    """What was waited for did not come in time.

    Attributes:
        seconds: how long was waited.
    """

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class RequestError(TmuxpulseError):
    """A client's request was refused; the connection lives on.

    Attributes:
        code: one of the codes of the protocol, such as ``INVALID_FILTER``.
        retryable: whether the same request can succeed later.
        retry_after: seconds to wait before that, when known.
    """

    def __init__(
        self, code: str, message: str, *, retryable: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable
        self.retry_after = retry_after
