"""What the end of a connection means: come back, or do not; and what to tell a person.

Pure: codes in, errors out. Who asks, and what is done about it, is not known here.
"""

from __future__ import annotations

from tmuxpulse.client.token_file import MAKE_ONE
from tmuxpulse.errors import ServerError, ServerRefused, ServerUnavailable

ABNORMAL = 1006  # no close frame came
NOT_AGAIN = range(4500, 4600)  # the protocol's close codes that say: do not come back
AUTH_FAILED, AUTH_REQUIRED = "AUTH_FAILED", "AUTH_REQUIRED"  # codes of refusals
_BAD_TOKEN, _NO_TOKEN = 4500, 4502
_CODES = {_BAD_TOKEN: AUTH_FAILED, _NO_TOKEN: AUTH_REQUIRED}
_UNAUTHORIZED, _MISDIRECTED = 401, 421
_BUSY = (408, 429, *range(500, 600))  # of HTTP: another time it may go better


def closed(where: str, code: int, reason: str) -> ServerError:
    """What a close code means; `ABNORMAL` when none came."""
    if code in NOT_AGAIN:
        remedy = f"; {MAKE_ONE}" if code in _CODES else ""
        return ServerRefused(
            f"{where} ended the connection: {reason or code}{remedy}",
            code=_CODES.get(code, str(code)),
        )
    if code == ABNORMAL:
        return ServerUnavailable(f"{where} went away without a word")
    return ServerUnavailable(f"{where} went away: {reason or f'close code {code}'}")


def broken(where: str, error: BaseException) -> ServerUnavailable:
    """What an error of the network or of a library means; its text may hold what was sent."""
    what = getattr(error, "strerror", None) or type(error).__name__
    return ServerUnavailable(f"{where} broke the connection ({what})")


def rejected(where: str, status: int | None) -> ServerError:
    """What an HTTP answer instead of a WebSocket means."""
    if status == _UNAUTHORIZED:
        return bad_token(where)
    what = str(status or "no reason")
    if status in _BUSY:
        return ServerUnavailable(f"{where} does not take a connection now ({what})")
    hint = ""
    if status == _MISDIRECTED:
        hint = ": it does not know itself by this name; add it there to [server] allowed_hosts"
    return ServerRefused(f"{where} refused the connection ({what}){hint}", code=what)


def no_protocol(where: str) -> ServerUnavailable:
    """What somebody is who says something else."""
    return ServerUnavailable(f"{where} does not speak tmuxpulse's protocol")


def another_version(where: str, release: str) -> ServerRefused:
    """What a server is that no version of the protocol is common to."""
    return ServerRefused(
        f"{where} is tmuxpulse {release}, which speaks another version of the protocol;"
        " use the same release on both sides",
        code="VERSION",
    )


def no_token(where: str) -> ServerRefused:
    """What it means when a token is wanted, and there is none."""
    return ServerRefused(f"{where} wants a token; {MAKE_ONE}", code=AUTH_REQUIRED)


def bad_token(where: str) -> ServerRefused:
    """What it means when a token is not taken."""
    return ServerRefused(f"{where} did not take the token; {MAKE_ONE}", code=AUTH_FAILED)


def unreachable(where: str, error: OSError) -> ServerUnavailable:
    """What it means when nobody answers."""
    why = getattr(error, "strerror", None)
    return ServerUnavailable(
        f"cannot reach {where}{f' ({why})' if why else ''}; start one with: tmuxpulse serve"
    )


def no_answer(where: str, seconds: float) -> ServerUnavailable:
    """What it means when somebody is there and says nothing."""
    return ServerUnavailable(f"{where} gave no answer in {seconds:g} s")


def silent(where: str) -> ServerUnavailable:
    """What it means when somebody was there, and gives no sign of life any more."""
    return ServerUnavailable(f"{where} fell silent")
