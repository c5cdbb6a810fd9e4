"""Runs the program: `run()` waits for the results, `start()` returns a job whose metrics can be read meanwhile."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from lethe._arguments import arguments_for, options_of
from lethe._errors import LetheError, LetheWarning, error_for
from lethe._program import environment, program_path

# What a command leaves in its folder, the most telling first.
_RESULT_FILES = ("results.json", "attack.json", "tune.json", "table.json", "sweep.json", "vector.json", "run.json")
_POLL = 0.1  # seconds
# They write a run folder even if none is named. A named one can be read while they work. They print JSON only with
# --dry-run.
_TRAINING = ("unlearn", "finetune", "tune", "reproduce")


class Results(dict):
    """What a command found: the object of its JSON file or of its output. Lists, as of `generate`, are under "rows".

    `folder` is the folder that the command wrote, or None; `output` is what it printed.
    """

    folder: pathlib.Path | None = None
    output: str = ""


class Job:
    """A command at work. Iterate over it for the metrics of each training step; `result()` waits for the end.

    The command goes on if nobody holds the job any more, but its data files of `list[dict]` end with Python.
    """

    def __init__(self, command: tuple[str, ...], positional: tuple[Any, ...], settings: dict[str, Any], verbose: bool):
        self._scratch = tempfile.TemporaryDirectory(prefix="lethe-")
        options = options_of(command)
        if "output" in options and "output" not in settings:
            settings["output"] = "-"
        dry_run = settings.get("dry_run")
        trains = " ".join(command) in _TRAINING
        if "json" in options and (dry_run or not (trains or settings.get("out"))):
            settings.setdefault("json", True)
        if "quiet" in options and not verbose:
            settings.setdefault("quiet", True)
        out = settings.get("out") or settings.get("resume") or _out_of_recipe(positional)
        if not out and trains and not dry_run:
            out = settings["out"] = time.strftime(f"runs/{command[0]}-%Y%m%d-%H%M%S")
        self.folder = pathlib.Path(out) if out else None
        self._output_file = settings.get("output")
        self._printed = bool(settings.get("json"))  # whether the results are what it prints
        self.arguments = arguments_for(command, positional, settings, pathlib.Path(self._scratch.name))
        self._verbose = verbose
        self._read_metrics = 0  # bytes
        self._process = subprocess.Popen(
            [program_path(), *self.arguments],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches Python alone, which passes it on once
        )
        self._stdout: list[str] = []
        self._stderr: list[str] = []
        # The first reader holds the data files: they are needed while the command works, whoever holds the job.
        self._readers = [
            threading.Thread(
                target=self._read,
                args=(self._process.stdout, self._stdout, False, (self._process, self._scratch)),
                daemon=True,
            ),
            threading.Thread(target=self._read, args=(self._process.stderr, self._stderr, verbose), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream: Any, lines: list[str], show: bool, _held: Any = None) -> None:
        with stream:
            for line in stream:
                lines.append(line)
                if show:
                    sys.stderr.write(line)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The lines of metrics.jsonl as they are written. Raises as `result()` when the run failed."""
        if self.folder is None:
            raise ValueError("steps are read in the run's folder: give out=")
        while True:
            running = self._process.poll() is None
            yield from self._new_metrics()
            if not running:
                break
            with self._stopped_by_interrupt():
                time.sleep(_POLL)
        self._wait()

    def _new_metrics(self) -> Iterator[dict[str, Any]]:
        # A run works in RUN.unfinished, which is renamed when it is complete.
        for folder in (self.folder, self.folder.with_name(self.folder.name + ".unfinished")):
            with contextlib.suppress(OSError), (folder / "metrics.jsonl").open("rb") as file:
                file.seek(self._read_metrics)
                data = file.read()
                whole = data[: data.rfind(b"\n") + 1]
                self._read_metrics += len(whole)
                yield from (json.loads(line) for line in whole.splitlines())
                return

    def stop(self) -> None:
        """Asks the command to stop, as Ctrl-C does. `result()` then raises InterruptedRunError."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    @property
    def running(self) -> bool:
        """Whether the command has not ended."""
        return self._process.poll() is None

    @contextlib.contextmanager
    def _stopped_by_interrupt(self) -> Iterator[None]:
        """Ctrl-C also stops the command, which then ends at a safe point."""
        try:
            yield
        except KeyboardInterrupt:
            self.stop()
            self._process.wait()
            raise

    def _wait(self) -> None:
        with self._stopped_by_interrupt():
            status = self._process.wait()
        for reader in self._readers:
            reader.join()
        self._scratch.cleanup()
        stderr = "".join(self._stderr)
        if status != 0:
            raise error_for(status, stderr)
        for line in stderr.splitlines():
            if line.startswith("warning: ") and not self._verbose:
                warnings.warn(line.removeprefix("warning: "), LetheWarning, stacklevel=_callers_level())
        self._stderr.clear()

    def result(self) -> Results:
        """Waits for the end. Raises UsageError, BadInputError, FailedError or InterruptedRunError."""
        return self._finish()

    def _finish(self) -> Results:
        self._wait()
        output = "".join(self._stdout)
        results = Results(self._results(output))
        results.output = output
        results.folder = self.folder
        return results

    def _results(self, output: str) -> dict[str, Any]:
        if self.folder is not None and not self._printed:
            for name in _RESULT_FILES:
                if (self.folder / name).is_file():
                    return json.loads((self.folder / name).read_text(encoding="utf-8"))
        if self._output_file not in (None, "-"):
            output = pathlib.Path(self._output_file).read_text(encoding="utf-8")
        with contextlib.suppress(ValueError):
            value = json.loads(output)
            return value if isinstance(value, dict) and self._output_file is None else {"rows": _list(value)}
        with contextlib.suppress(ValueError):
            return {"rows": [json.loads(line) for line in output.splitlines() if line]}
        return {}


def _out_of_recipe(positional: tuple[Any, ...]) -> str | None:
    """The folder that a recipe file names."""
    for word in map(str, positional):
        if word.startswith("out="):
            return word.removeprefix("out=")
        if word.endswith((".yaml", ".yml")):
            with contextlib.suppress(OSError):
                found = re.search(r"^out: *[\"']?([^\"'#\n]+)", pathlib.Path(word).read_text(encoding="utf-8"), re.M)
                return found[1].strip() if found else None
    return None


def _callers_level() -> int:
    """The stacklevel by which a warning of the function that calls this one names the user's line, not the module's."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("lethe."):
        level, frame = level + 1, frame.f_back
    return level


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def start(command: str, *arguments: str | os.PathLike[str], verbose: bool = False, **settings: Any) -> Job:
    """Starts a command of the program and returns at once.

    command: "unlearn", "evaluate", "vector extract", …; `lethe --help` lists them
    arguments: what the command takes without a name: a recipe's path, a run's folder
    verbose: whether the program's messages and progress go to stderr; warnings become Python's otherwise
    settings: flags (`max_new_tokens=20`) and keys of the recipe (`tuning="lora"`, `training={"steps": 100}`). Data may
        be paths or lists of dicts (`harmful=[{"prompt": …, "response": …}]`).

    >>> job = lethe.start("finetune", model="opt", data="train.jsonl", out="runs/tuned", training={"steps": 100})
    >>> losses = [step["loss"] for step in job]
    """
    return Job(tuple(command.split()), arguments, settings, verbose)


def run(
    command: str,
    *arguments: str | os.PathLike[str],
    verbose: bool = False,
    on_step: Callable[[dict[str, Any]], None] | None = None,
    **settings: Any,
) -> Results:
    """Runs a command of the program and returns what it found. Arguments as of `start()`.

    on_step: called with the metrics of each training step, while the run works

    Raises UsageError, BadInputError, FailedError or InterruptedRunError, with the program's message.

    >>> lethe.run("generate", model="runs/opt/model", input=[{"prompt": "Hello"}])["rows"][0]["response"]
    """
    return follow(start(command, *arguments, verbose=verbose, **settings), on_step)


def follow(job: Job, on_step: Callable[[dict[str, Any]], None] | None) -> Results:
    """Waits for the end of a job, and calls a function with each step until then. An error of it stops the job."""
    try:
        if on_step is not None:
            for step in job:
                on_step(step)
        return job._finish()
    except LetheError:
        raise
    except BaseException:  # Ctrl-C, or an error of on_step: no process stays behind
        job.stop()
        job._process.wait()
        raise
