"""Keyword arguments of Python as arguments of the program."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import re
import subprocess
from collections.abc import Iterator
from typing import Any

from lethe._errors import error_for
from lethe._program import environment, program_path

_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./@:+-]*")
_WORDS_OF_YAML = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


@functools.cache
def options_of(command: tuple[str, ...]) -> dict[str, str]:
    """The options of a command, without dashes, and what --help says of their values: "", "TEXT", "TEXT ..."."""
    done = subprocess.run(
        [program_path(), *command, "--help"], env=environment(), capture_output=True, text=True, errors="replace"
    )
    if done.returncode != 0:
        raise error_for(done.returncode, done.stderr)
    found = re.findall(r"^  (?:-\w,)?--([a-z0-9-]+)(.*?)(?:  |$)", done.stdout, re.MULTILINE)
    return {name: kind.strip() for name, kind in found}


def _yaml(value: Any) -> str:
    """A value behind `key=`, which the program reads as YAML. JSON is YAML."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and value.lower() not in _WORDS_OF_YAML else json.dumps(value)
    return json.dumps(value, default=os.fspath)


def _keys(name: str, value: Any) -> Iterator[str]:
    """`key=value` of a setting; a dict holds the settings below it."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _keys(f"{name}.{key}", below)
    else:
        yield f"{name}={_yaml(value)}"


def _is_rows(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(row, dict) for row in value)


def _flag(name: str, kind: str, value: Any, scratch: pathlib.Path) -> list[str]:
    if value is None or value is False:
        return []
    if value is True:
        return [f"--{name}"]
    if _is_rows(value):  # data as Python objects: the program reads it from a file
        file = scratch / f"{name}.jsonl"
        with file.open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(row) + "\n" for row in value)
        value = [file]
    if not isinstance(value, (list, tuple)):
        value = [value]
    texts = [os.fspath(one) if isinstance(one, os.PathLike) else str(one) for one in value]
    return [f"--{name}", *texts] if kind.endswith("...") else [f"--{name}", ",".join(texts)]


def arguments_for(
    command: tuple[str, ...], positional: tuple[Any, ...], settings: dict[str, Any], scratch: pathlib.Path
) -> list[str]:
    """The words behind `lethe`. Keywords that are options of the command become flags (`max_new_tokens` is
    --max-new-tokens), all others keys of the recipe.

    scratch: a folder for data that was given as Python objects
    """
    options = options_of(command)
    keys: list[str] = []
    flags: list[str] = []
    for name, value in settings.items():
        flag = name.replace("_", "-")
        if flag in options and not (isinstance(value, dict)):
            flags += _flag(flag, options[flag], value, scratch)
        else:
            keys += _keys(name, value)
    return [*command, *(str(word) for word in positional), *keys, *flags]
