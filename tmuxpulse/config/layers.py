"""Flags over environment over file over defaults: the settings, and where each comes from.

A layer sets single keys; what is wrong is told for all of them together, each in one line with the
place and the remedy.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from tmuxpulse.config.allowed import allowed_values
from tmuxpulse.config.nearest import meant
from tmuxpulse.config.places import config_file
from tmuxpulse.config.settings import Settings, Table
from tmuxpulse.config.toml_file import TomlFile
from tmuxpulse.errors import UsageError

PREFIX = "TMUXPULSE_"
DEFAULT = "default"
PATHS = frozenset({"server.tls_certificate", "server.tls_key"})  # relative to the file
TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")

Overrides = Mapping[str, tuple[object, str]]  # "server.port" to its value and its flag


class SettingsError(UsageError):
    """Some settings are wrong.

    Attributes:
        problems: a line for each.
    """

    def __init__(self, problems: list[str]) -> None:
        more = f" (and {len(problems) - 1} more: tmuxpulse config check)" if problems[1:] else ""
        super().__init__(problems[0] + more)
        self.problems = problems


class Loaded(msgspec.Struct, frozen=True):
    """What is in force.

    Attributes:
        settings: the values.
        origins: ``"server.port"`` to ``default``, a file, a variable or a flag.
        file: what was read; None: there is none.
    """

    settings: Settings
    origins: Mapping[str, str]
    file: Path | None


def tables() -> dict[str, type[Table]]:
    """The tables of the file, by name."""
    return {name: kind for name, kind in get_type_hints(Settings).items() if name in _fields()}


def keys() -> Iterator[tuple[str, str, Any]]:
    """Each setting there is: its table, its key, its type."""
    for table, kind in tables().items():
        hints = get_type_hints(kind, include_extras=True)
        for key in kind.__struct_fields__:
            yield table, key, hints[key]


def load_settings(
    file: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Overrides | None = None,
) -> Loaded:
    """Read every layer.

    Args:
        file: the one that was named; it has to be there. None: the usual one, if it is.
        environ: by default the process's.
        overrides: what flags set.

    Raises:
        SettingsError: something in them is wrong.
        UsageError: the file cannot be read at all.
    """
    env = os.environ if environ is None else environ
    named = file is not None or PREFIX + "CONFIG" in env
    path = file if file is not None else config_file(env)
    found = TomlFile(path) if named or path.exists() else None
    layers = _Layers()
    if found is not None:
        layers.take_file(found)
    layers.take_environment(env)
    for name, (value, flag) in (overrides or {}).items():
        layers.set(name, value, flag)
    if layers.problems:
        raise SettingsError(layers.problems)
    return layers.loaded(found.path if found else None)


class _Layers:
    """Values that later layers replace."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._types = {f"{table}.{key}": kind for table, key, kind in keys()}
        self._values: dict[str, object] = {}
        self._origins: dict[str, str] = dict.fromkeys(self._types, DEFAULT)

    def set(self, name: str, value: object, origin: str, *, where: str = "") -> None:
        """Take one value, or note what is wrong with it."""
        try:
            self._values[name] = msgspec.convert(value, self._types[name])
        except (msgspec.ValidationError, OverflowError) as error:
            said = str(error).replace(" - at `$", " at `").partition(" - at `")[0]
            self.problems.append(f"{where or origin}: {name}: {self._remedy(name, said)}")
        else:
            self._origins[name] = origin

    def _remedy(self, name: str, said: str) -> str:
        allowed = allowed_values(self._types[name])
        if not allowed:
            return _in_words(said)
        # A pattern says less to a person than what it stands for.
        said, pattern, _ = said.partition(" matching regex ")
        wrong = "has a value that is not allowed" if pattern else _in_words(said)
        return f"{wrong}; allowed: {allowed}"

    def take_file(self, file: TomlFile) -> None:
        """Take what a file sets."""
        known = tables()
        for table, values in file.values.items():
            if table not in known:
                hint = meant(table, known)
                self.problems.append(f"{file.where(table)}: there is no table [{table}]{hint}")
            elif not isinstance(values, dict):
                self.problems.append(f"{file.where(table)}: [{table}] is a table of settings")
            else:
                for key, value in values.items():
                    self._take_key(file, table, key, value)

    def _take_key(self, file: TomlFile, table: str, key: str, value: object) -> None:
        name, where = f"{table}.{key}", file.where(table, key)
        if name not in self._types:
            hint = meant(key, tables()[table].__struct_fields__)
            self.problems.append(f'{where}: [{table}] has no key "{key}"{hint}')
            return
        self.set(name, _resolved(name, value, file.path.parent), str(file.path), where=where)

    def take_environment(self, environ: Mapping[str, str]) -> None:
        """Take what variables set; one of an unknown name, in a table there is, is a mistake."""
        known = {f"{PREFIX}{name.replace('.', '_').upper()}": name for name in self._types}
        prefixes = tuple(f"{PREFIX}{table.upper()}_" for table in tables())
        for variable, text in environ.items():
            name = known.get(variable)
            if name is not None:
                self.set(name, _from_text(text, self._types[name]), variable)
            elif variable.startswith(prefixes):
                hint = meant(variable, known)
                self.problems.append(f"{variable}: there is no such setting{hint}")

    def loaded(self, file: Path | None) -> Loaded:
        """What is in force."""
        made: dict[str, Any] = {}
        for table, kind in tables().items():
            mine = {
                key: self._values[f"{table}.{key}"]
                for key in kind.__struct_fields__
                if f"{table}.{key}" in self._values
            }
            made[table] = kind(**mine)
        return Loaded(Settings(**made), self._origins, file)


def _fields() -> tuple[str, ...]:
    return Settings.__struct_fields__


def _resolved(name: str, value: object, directory: Path) -> object:
    """Paths in a file are relative to it."""
    if name in PATHS and isinstance(value, str) and value:
        return str(directory / Path(value).expanduser())
    if name == "tmux.sockets" and isinstance(value, list):
        return [
            str(directory / Path(one).expanduser()) if isinstance(one, str) and "/" in one else one
            for one in value
        ]
    return value


def _from_text(text: str, kind: Any) -> object:  # noqa: ANN401  # any type hint
    """A variable's text as a value of the setting's type; what does not fit stays text."""
    plain = get_args(kind)[0] if hasattr(kind, "__metadata__") else kind
    if get_origin(plain) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    if plain is bool and text.lower() in (*TRUE, *FALSE):
        return text.lower() in TRUE
    if plain in (int, float):
        try:
            return plain(text)
        except ValueError:
            return text
    return text


def _in_words(said: str) -> str:
    """Msgspec's complaint for a person."""
    for theirs, ours in (
        ("Expected `int`", "must be a whole number"),
        ("Expected `float`", "must be a number"),
        ("Expected `str`", "must be a text in quotes"),
        ("Expected `bool`", "must be true or false"),
        ("Expected `array`", "must be a list"),
        ("Expected `object`", "must be a table"),
    ):
        said = said.replace(theirs, ours)
    return said[:1].lower() + said[1:]
