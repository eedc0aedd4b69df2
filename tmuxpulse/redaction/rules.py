r"""The secrets that are known without being told, as data.

A rule is a lead, the characters a body is made of, and how long it is at least. The lead stays to
be read; the body is what is masked. From these three follow both the whole secret and one that is
half printed: a body of any length that ends where an unfinished line does. Leads and bodies are
regular expressions, compiled when they are needed: all of them take 35 ms where it is slow.

How rules are run is not known here. What every rule must keep, for the sake of its cost on hostile
text: each repetition in a lead has a bound; a body read from its middle ends where it ends when
read from its start; what `shape` reads is at most the body.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple


class Rule(NamedTuple):
    """How to find one kind of secret.

    Attributes:
        name: what the mask says.
        needle: a literal that every lead holds, by which it is found. One in lower case is looked
            for in any case, one with a capital as it is.
        lead: matched from the needle on; the body begins where it ends.
        body: matched from there on.
        least: how long a body is.
        end_least: how long it is at the end of a finished line, where it may have been cut.
        shape: what a body looks like altogether, unless it may have been cut.
        exempt: bodies that are no secret once they have come to their end.
        gate: matched from the needle on, before any rule with this needle is tried; the same for
            all of them. It begins with the needle, and reads lower case if the needle is so.
        before: has to be found right before the needle.
        until: what the secret ends before, the last one in the body; it has to be there.
    """

    name: str
    needle: str
    lead: str
    body: str
    least: int = 1
    end_least: int = 1
    shape: str = ""
    exempt: str = ""
    before: str = ""
    until: str = ""
    gate: str = ""


_ALNUM = r"[A-Za-z0-9]+"
_WORD = r"[A-Za-z0-9_]+"
_DASHED = r"[A-Za-z0-9_-]+"
_DOTTED = r"[A-Za-z0-9_.-]+"
_START = r"(?<![A-Za-z0-9])"


def _token(
    name: str,
    needle: str,
    lead: str,
    body: str,
    least: int,
    *,
    end: int = 1,
    shape: str = "",
    gate: str = "",
) -> Rule:
    """A secret that begins with letters of its own."""
    return Rule(
        name,
        needle,
        lead,
        body,
        least,
        end,
        shape,
        gate=gate,
    )


_TOKENS: Final = (
    _token("aws-key", "AKIA", _START + "AKIA", _ALNUM, 16),
    _token("aws-key", "ASIA", _START + "ASIA", _ALNUM, 16, end=8, shape="[A-Z0-9]+"),
    _token("github", "gh", _START + "gh[pousr]_", _WORD, 20, gate="gh[pousr]_"),
    _token("github", "github_pat_", _START + "github_pat_", _WORD, 20),
    _token("gitlab", "glpat-", _START + "glpat-", _DOTTED, 16),
    _token("slack", "xox", _START + "xox[a-z]-", _DASHED, 10),
    _token("slack", "xapp-", _START + "xapp-", _DASHED, 10, end=8),
    _token("slack", "hooks.slack", "hooks.slack.com/services/", r"[\w/]+", 16),
    _token("stripe", "k_live_", "(?<=(?<![A-Za-z0-9])[rs])k_live_", _WORD, 10),
    _token("stripe", "k_test_", "(?<=(?<![A-Za-z0-9])[rs])k_test_", _WORD, 10),
    _token("stripe", "whsec_", _START + "whsec_", _ALNUM, 16),
    # OpenAI, Anthropic and others. Classes of style sheets begin so, too, but hold no digit.
    _token("api-key", "sk-", r"(?<![\w-])sk-", _DASHED, 16, end=40, shape=r".*\d.*"),
    _token("google", "AIza", _START + "AIza", _DASHED, 30),
    _token("google", "ya29.", _START + r"ya29\.", _DOTTED, 20),
    _token("google", "GOCSPX-", "GOCSPX-", _DASHED, 20),
    _token("npm", "npm_", _START + "npm_", _ALNUM, 30, end=16),
    _token("pypi", "pypi-", _START + "pypi-", _DASHED, 40, end=24),
    _token("huggingface", "hf_", r"(?<!\w)hf_", _ALNUM, 20, end=16),
    _token("digitalocean", "_v1_", "(?<=do[opr])_v1_", _ALNUM, 32),
    _token(
        "sendgrid", "SG.", r"(?<![\w.])SG\.", _DOTTED, 40, end=16, shape=r"[\w-]{16,}\.[\w-]{16,}.*"
    ),
    _token("twilio", "SK", r"(?<!\w)SK(?=[0-9a-f])", _ALNUM, 32, end=16, shape="[0-9a-f]{32}"),
    _token(
        "jwt",
        "eyJ",
        r"(?<![\w-])eyJ",
        _DOTTED,
        20,
        end=12,
        shape=r"[\w-]{5,}\.[\w-]{5,}\.[\w.-]{5,}",
    ),
    _token("tmuxpulse", "tp_", _START + "tp_", _DASHED, 24, end=14, shape=r"[A-Za-z0-9]+_.*"),
)

# --- values with a name -----------------------------------------------------------------------

_CLOSE = r"""(?:\\?["'\]])?"""
_EQUALS = r"[ \t]{0,8}(?::=|=>|=(?!=))[ \t]{0,8}"
_COLON = r"[ \t]{0,8}:(?!:)[ \t]{0,8}"
_EITHER = rf"(?:{_EQUALS}|{_COLON})"

# Up to a blank or a quote; or to what separates it from the next name in a query or a DSN.
_BARE = r"""[^\s"'`&;]*(?:[&;](?![\w -]{1,32}=)[^\s"'`&;]*)*"""
_QUOTED: Final = (
    ('"', r'[^"\\\n]*(?:\\[^\n]?[^"\\\n]*)*'),
    ("'", r"[^'\n]*"),
    (r"\\\"", r'[^"\\\n]*'),
)
_UNQUOTED = r"""(?!\\["']|<[a-z][\w -]{0,40}>)"""
_HARMLESS = r"""(?x)
    (?:(?i:true|false|null|none|nil|undefined|yes|no|str|string|bytes|required|optional)
    |[*•…█]+|\.{3}|[xX]{3,}|<[\w -]{1,40}>|%\w|%\(\w+\)s|\{\{.*|\{\w*\}|\[\w*\]
    |\$(?:\{.*|\(.*|[A-Z_][A-Z0-9_]*))[,;:.)\]}]*"""
_OPTION = r"""(?:\A|[\s"'=(])--?[\w-]{0,32}\Z"""
_PLACEHOLDER = _HARMLESS + "|[A-Z_]{2,24}|the|a|your"
# After a colon there is prose, too: what follows it is a secret if it looks like one.
_NEVER = 1 << 30
_ODD = r"(?=[^\d\n]*\d).{8,}|.{20,}"
_NOT_LETTERS = r".*[^A-Za-z\n].*"


def _named(
    name: str,
    needle: str,
    words: str,
    *,
    shape: str,
    value: str = "",
    left: str = "",
) -> Iterator[Rule]:
    """A value that is a secret because of its name.

    Args:
        name: as in `Rule`.
        needle: as in `Rule`.
        words: the name from the needle on.
        shape: what it must look like behind a colon, without quotes.
        value: what has to hold where a bare value begins.
        left: what has to hold where the needle begins.
    """
    gate = rf"{words}\d{{0,2}}{_CLOSE}[ \t=:]"

    def rule(rest: str, body: str, end_least: int = 1, shape: str = "") -> Rule:
        lead = rf"{left}(?i:{words})\d{{0,2}}{_CLOSE}{rest}"
        return Rule(name, needle, lead, body, 1, end_least, shape, _HARMLESS, gate=gate)

    def option(rest: str, body: str) -> Rule:
        return rule(r"[ \t]{1,4}" + rest, body)._replace(exempt=_PLACEHOLDER, before=_OPTION)

    bare = _UNQUOTED + value
    for quote, body in _QUOTED:
        yield rule(_EITHER + quote, body)
        yield option(quote, body)
    yield rule(_EQUALS + bare, _BARE)
    yield rule(_COLON + bare, _BARE, _NEVER if shape else 1, shape)
    yield option("(?![-=:])" + bare, _BARE)


_KINDS = "|".join(
    f"(?<={kind}{separator})"
    for kind in ("api", "account", "access", "encryption", "private", "signing")
    for separator in ("", "[_-]")
)

_NAMED: Final = (
    *_named("password", "password", "password", shape=""),
    *_named("password", "passwd", "passwd", shape=_NOT_LETTERS),
    *_named("password", "passphrase", "passphrase", shape=""),
    *_named("password", "pwd", "pwd", shape="", value="(?![/~.])"),  # $PWD is a directory
    *_named("secret", "secret", "secret(?:[_-]?(?:access[_-]?)?key(?:[_-]?base)?)?", shape=_ODD),
    *_named("token", "token", "token", shape=_ODD),
    *_named("api-key", "key", "key", shape=_ODD, left=rf"(?i:{_KINDS})"),
)

# --- headers, addresses, keys -----------------------------------------------------------------

_HEADER = rf"(?i:authorization|_auth){_CLOSE}{_EITHER}(?:\\?[\"'])?"
_SCHEMES = "bearer|basic|token|digest|negotiate|ntlm|apikey|api-key|aws4-hmac-sha256"
_CREDENTIALS = r"""[^\s"'`]+"""
_COOKIES = r"""[^"'`\n]+"""
_PORT = r"\d{1,5}[^\w@]{0,3}|[$%{<][^@]*"
_URL_END = r"""[^\s"'`<>]+"""
_PEM = r"[A-Za-z0-9+/=\\ \t,:.]*(?:-(?!---)[A-Za-z0-9+/=\\ \t,:.]*)*"

_OTHERS: Final = (
    Rule(
        "authorization",
        "authorization",
        rf"{_HEADER}(?i:{_SCHEMES})[ \t]{{1,8}}",
        _CREDENTIALS,
        exempt=_HARMLESS,
    ),
    Rule("authorization", "authorization", _HEADER, _CREDENTIALS, 16, 16),
    Rule("authorization", "_auth", _HEADER, _CREDENTIALS, 8, 8, exempt=_HARMLESS),
    Rule(
        "authorization",
        "bearer ",
        r"(?i:\bbearer)[ \t]{1,8}",
        r"[\w.~+/=-]+",
        16,
        16,
        r".*\d.*",
    ),
    Rule("cookie", "cookie:", r"(?i:cookie):[ \t]{0,8}", _COOKIES, 3, 3),
    Rule("signature", "sig=", r"(?<=[?&])sig=", r"[^\s&\"']+", 16),
    # Not `host:8080/path@version`.
    Rule(
        "url-password",
        "://",
        r"""://[^\s/:@\[\]"'`<>]{0,128}:(?!\d{1,5}[/?#])""",
        _URL_END,
        exempt=_PORT,
        until="@",
        gate=r"""://[^\s/:@\[\]"'`<>]{0,128}:""",
    ),
    # A key in one line, its line ends escaped or blanks. In many lines: see `keys`.
    Rule(
        "private-key",
        "PRIVATE KEY",
        r"PRIVATE KEY(?: BLOCK)? ?-{4,5}",
        _PEM,
        16,
        40,
        r".*?[A-Za-z0-9+/=]{16}.*",
    ),
)

BUILT_IN: Final[tuple[Rule, ...]] = (*_TOKENS, *_NAMED, *_OTHERS)
