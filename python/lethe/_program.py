"""Finds the program `lethe` and the LibTorch that it needs, and is the command `lethe` itself."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import re
import sys

from lethe._errors import FailedError

PACKAGE = pathlib.Path(__file__).resolve().parent


def program_path() -> pathlib.Path:
    """The program: the package's own, or the one that the environment variable LETHE_PROGRAM names."""
    if given := os.environ.get("LETHE_PROGRAM"):
        return pathlib.Path(given)
    return PACKAGE / "bin" / "lethe"


def version() -> str:
    """The version of Lethe; empty in a source tree, where nothing was built."""
    try:
        from lethe._build import VERSION
    except ImportError:
        return ""
    return VERSION


def torch_folder() -> pathlib.Path:
    """The folder of the package torch, which holds LibTorch. Imports nothing of it.

    Raises FailedError if it is missing or not the version that the program was built with.
    """
    try:
        from lethe._build import TORCH
    except ImportError:
        TORCH = ""
    install = f"pip install torch=={TORCH}" if TORCH else "pip install torch"
    spec = importlib.util.find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        raise FailedError(f"lethe: cannot find LibTorch\n  wanted  the package torch {TORCH}\n  try     {install}")
    folder = pathlib.Path(spec.submodule_search_locations[0])
    found = ""
    if (folder / "version.py").is_file():
        match = re.search(r"__version__ = '([^'+]*)", (folder / "version.py").read_text(encoding="utf-8"))
        found = match[1] if match else ""
    if TORCH and found != TORCH:
        raise FailedError(
            f"lethe: cannot use the LibTorch of {folder}\n  wanted  torch {TORCH}, with which lethe was built\n"
            f"  found   torch {found or 'of an unknown version'}\n  try     {install}"
        )
    return folder


def environment() -> dict[str, str]:
    """The variables with which the program runs. It finds a torch in its own site-packages by itself."""
    variables = dict(os.environ)
    if "LETHE_PROGRAM" in variables:
        return variables  # built from source: it knows the LibTorch that it was built with
    torch = torch_folder()
    if torch.resolve() != PACKAGE.parent / "torch":
        others = variables.get("LD_LIBRARY_PATH")
        variables["LD_LIBRARY_PATH"] = str(torch / "lib") + (os.pathsep + others if others else "")
    return variables


def main() -> None:
    """The command `lethe`: becomes the program."""
    try:
        variables = environment()
        os.execve(program_path(), ["lethe", *sys.argv[1:]], variables)
    except FailedError as error:
        sys.exit(error.message)
    except OSError as error:
        sys.exit(f"lethe: cannot start {program_path()}\n  reason  {error.strerror}")
