"""The build backend of `pip install .`: scikit-build-core's. A build also needs LibTorch's headers. `make setup` has
installed them; without it, pip installs the pinned torch for the time of the build."""

import pathlib

from scikit_build_core import build
from scikit_build_core.build import *  # noqa: F403 - all other hooks of a backend


def get_requires_for_build_wheel(config_settings=None):
    needed = build.get_requires_for_build_wheel(config_settings)
    if not list(pathlib.Path(".venv").glob("lib/python3*/site-packages/torch")):
        pins = pathlib.Path("tools/engine.txt").read_text(encoding="utf-8").splitlines()
        needed += [pin for pin in pins if pin.startswith("torch==")]
    return needed
