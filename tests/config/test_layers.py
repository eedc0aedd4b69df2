"""Settings: each layer over the one below, every mistake in one line with its place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tmuxpulse.config.layers import SettingsError, keys, load_settings
from tmuxpulse.config.settings import Settings
from tmuxpulse.config.toml_file import MAX_BYTES
from tmuxpulse.config.words import as_toml, descriptions, reference, template
from tmuxpulse.errors import UsageError

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"


def write(directory: Path, text: str | bytes) -> Path:
    path = directory / "config.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(0o600)
    return path


def problems(directory: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(SettingsError) as found:
        load_settings(write(directory, text), environ=environ)
    return [one.replace(str(directory / "config.toml"), "F") for one in found.value.problems]


def test_without_anything_all_is_at_its_default(tmp_path: Path) -> None:
    loaded = load_settings(environ={"XDG_CONFIG_HOME": str(tmp_path)})
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"default"}
    assert loaded.file is None


def test_each_layer_is_over_the_one_below(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        '[server]\nhost = "::1"\nport = 1\nwrite = "local"\nunix_socket = false\n'
        '[tmux]\nsockets = ["work", "here/tmux.sock"]\n'
        '[[redaction.rules]]\nname = "acme"\npattern = "acme_[a-z]{8}"\n',
    )
    loaded = load_settings(
        file,
        environ={
            "TMUXPULSE_SERVER_PORT": "2",
            "TMUXPULSE_SERVER_WRITE": "anywhere",
            "TMUXPULSE_SERVER_ALLOWED_HOSTS": "a.example, b.example:1",
            "TMUXPULSE_REDACTION_ENABLED": "no",
            "TMUXPULSE_LIMITS_AUTH_SECONDS": "2.5",
            "TMUXPULSE_RUNTIME_DIR": "/none/of/its/business",
            "TMUXPULSE_TOKEN_FILE": "/nor/this",
        },
        overrides={"server.port": (3, "--port")},
    )
    server = loaded.settings.server
    assert (server.host, server.port, server.write, server.unix_socket) == (
        "::1",
        3,
        "anywhere",
        False,
    )
    assert server.allowed_hosts == ("a.example", "b.example:1")
    assert loaded.settings.tmux.sockets == ("work", str(tmp_path / "here/tmux.sock"))
    assert loaded.settings.redaction.enabled is False
    assert loaded.settings.redaction.rules[0].name == "acme"
    assert loaded.settings.limits.auth_seconds == 2.5
    origins = [loaded.origins[f"server.{key}"] for key in ("host", "port", "write", "tls_key")]
    assert origins == [str(file), "--port", "TMUXPULSE_SERVER_WRITE", "default"]


LAYERS = st.lists(st.sampled_from(["file", "environment", "flag"]), unique=True)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.dictionaries(st.sampled_from(["server.port", "limits.connections"]), LAYERS))
def test_the_highest_layer_that_sets_a_key_wins(
    tmp_path: Path, layers: dict[str, list[str]]
) -> None:
    values = {"file": 11, "environment": 12, "flag": 13}
    text = "".join(
        "[{}]\n{} = 11\n".format(*name.split(".")) for name, of in layers.items() if "file" in of
    )
    environ = {
        f"TMUXPULSE_{name.replace('.', '_').upper()}": "12"
        for name, of in layers.items()
        if "environment" in of
    }
    overrides = {name: (13, "--x") for name, of in layers.items() if "flag" in of}
    loaded = load_settings(write(tmp_path, text), environ=environ, overrides=overrides)
    for name in ("server.port", "limits.connections"):
        table, key = name.split(".")
        default = getattr(getattr(Settings(), table), key)
        expected = max((values[one] for one in layers.get(name, [])), default=default)
        assert getattr(getattr(loaded.settings, table), key) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server]\nprot = 1", 'F line 2: [server] has no key "prot"; did you mean "port"?'),
        ('[sever]\nport = "x"', 'F line 1: there is no table [sever]; did you mean "server"?'),
        ("port = 1", "F line 1: there is no table [port]; known: audit, features"),
        ("server = 1", "F line 1: [server] is a table of settings"),
        ('[server]\n\nport = "x"', "F line 3: server.port: must be a whole number, got `str`"),
        ("[server]\nport = 65536", "F line 2: server.port: must be a whole number <= 65535"),
        ("[server]\nport = 99999999999999999999", "F line 2: server.port: "),
        ('[server]\nwrite = "yes"', "F line 2: server.write: invalid enum value 'yes'"),
        ("[tmux]\nsockets = [1]", "F line 2: tmux.sockets: must be a text in quotes"),
        ("[audit]\nenabled = 1", "F line 2: audit.enabled: must be true or false"),
        ("[limits]\nauth_seconds = nan", "F line 2: limits.auth_seconds: "),
        ('[redaction]\nrules = [{name = "a"}]', "F line 2: redaction.rules: "),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(
    tmp_path: Path, text: str, said: str
) -> None:
    (only,) = problems(tmp_path, text)
    assert only.startswith(said)
    assert "\n" not in only


def test_all_mistakes_are_told_together(tmp_path: Path) -> None:
    found = problems(tmp_path, "[server]\na = 1\nb = 2\n", TMUXPULSE_LIMITS_X="1")
    assert len(found) == 3
    assert found[2].startswith("TMUXPULSE_LIMITS_X: there is no such setting")
    assert "and 2 more: tmuxpulse config check" in str(SettingsError(found))


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (b"[server\nport = 1", "is not TOML: .*line 1"),
        (b"a = 1\na = 2", "is not TOML"),
        (b"\xff", "line 1 is not UTF-8"),
        (b"# a\n# \xff", "line 2 is not UTF-8"),
        (b"#" * (MAX_BYTES + 1), "no file of settings"),
        (b"a = " + b"[" * 20_000, "is not TOML"),
    ],
)
def test_what_is_no_such_file_is_one_line(tmp_path: Path, held: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said) as found:
        load_settings(write(tmp_path, held), environ={})
    assert "\n" not in str(found.value)


@settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.binary(max_size=120)
    | st.lists(
        st.sampled_from(
            ["[server]", "[limits]", "port = ", "1", '"x"', "[", "]", "=", "\n", "{", "#", "write"]
        ),
        max_size=12,
    ).map(lambda parts: "".join(parts).encode())
)
def test_garbage_raises_nothing_else(tmp_path: Path, held: bytes) -> None:
    said = ""
    try:
        load_settings(write(tmp_path, held), environ={})
    except UsageError as error:
        said = str(error)
    assert "\n" not in said


def test_a_file_that_others_can_write_to_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, "")
    for mode, good in ((0o600, True), (0o644, True), (0o620, False), (0o602, False)):
        file.chmod(mode)
        if good:
            load_settings(file, environ={})
        else:
            with pytest.raises(UsageError, match="chmod go-w"):
                load_settings(file, environ={})


def test_a_named_file_has_to_be_there(tmp_path: Path) -> None:
    missing = tmp_path / "x.toml"
    with pytest.raises(UsageError, match="No such file"):
        load_settings(missing, environ={})
    with pytest.raises(UsageError, match="No such file"):
        load_settings(environ={"TMUXPULSE_CONFIG": str(missing)})
    for make in (os.mkdir, os.mkfifo):
        path = tmp_path / make.__name__
        make(path, 0o700)
        with pytest.raises(UsageError, match="is not a file"):
            load_settings(path, environ={})


# --- in words -------------------------------------------------------------------------------


def test_every_setting_is_documented_in_its_place() -> None:
    page = PAGE.read_text()
    assert page.endswith(reference())
    for table, key, _ in keys():
        assert f"| `{key}` |" in page, f"{table}.{key}"


def test_the_template_holds_every_setting_and_changes_nothing(tmp_path: Path) -> None:
    text = template()
    assert load_settings(write(tmp_path, text), environ={}).settings == Settings()
    switched_on = "\n".join(
        line[1:] if line.startswith("#") and not line.startswith("# ") else line
        for line in text.splitlines()
    )
    loaded = load_settings(write(tmp_path, switched_on), environ={})
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {str(tmp_path / "config.toml")}


def test_what_is_shown_can_be_read_again(tmp_path: Path) -> None:
    text = (
        '[server]\nport = 9\nallowed_hosts = ["a"]\n[[redaction.rules]]\nname="n"\npattern="p#"\n'
    )
    first = load_settings(write(tmp_path, text), environ={})
    again = load_settings(write(tmp_path, as_toml(first)), environ={})
    assert again.settings == first.settings


@pytest.mark.parametrize("table", Settings.__struct_fields__)
def test_every_setting_says_what_it_is(table: str) -> None:
    kind: Any = type(getattr(Settings(), table))
    assert tuple(descriptions(kind)) == kind.__struct_fields__
    assert msgspec.to_builtins(kind())
