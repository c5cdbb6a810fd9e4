"""The program's errors as exceptions, one class for each exit status."""

from __future__ import annotations

import re


class LetheWarning(UserWarning):
    """A warning of the program."""


class LetheError(Exception):
    """The program ended with an error.

    `status` is its exit status. `message` is the whole message, `doing` its first sentence. `details` holds the
    labelled lines: "wanted", "found", "try" and others.
    """

    status = 1

    def __init__(self, message: str, status: int | None = None):
        super().__init__(message)
        self.message = message
        if status is not None:
            self.status = status
        lines = message.splitlines() or [""]
        self.doing = lines[0].removeprefix("lethe: ")
        self.details: dict[str, str] = {}
        label = ""
        for line in lines[1:]:
            if match := re.match(r"  (\S.*?)  +(\S.*)$", line):
                label = match[1]
                self.details[label] = match[2]
            elif label:
                self.details[label] += "\n" + line.strip()

    @property
    def hint(self) -> str:
        """What to do about it; empty if the program does not know."""
        return self.details.get("try", "")


class FailedError(LetheError):
    """No memory, a full disk, a judge that does not answer, a run that diverged."""

    status = 1


class UsageError(LetheError):
    """A command, an option or a setting is wrong."""

    status = 2


class BadInputError(LetheError):
    """A model or a data file is wrong."""

    status = 3


class InterruptedRunError(LetheError):
    """The run was stopped, by `Job.stop()` or a signal. Ctrl-C stops it too, and raises KeyboardInterrupt.

    `resume=` continues unlearn and finetune.
    """

    status = 130


def error_for(status: int, stderr: str) -> LetheError:
    """The exception for an exit status. The message is the last one of the program: "lethe: …" and what follows."""
    for cls in (UsageError, BadInputError, InterruptedRunError):
        if status == cls.status:
            break
    else:
        cls = FailedError
    begin = max(stderr.rfind("\nlethe: ") + 1, 0)
    message = stderr[begin:].strip()
    if status < 0:
        message += f"\nlethe was ended by signal {-status}"
    return cls(message.strip() or f"lethe ended with status {status}", status)
