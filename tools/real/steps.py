"""Steps of `make real` and `make tofu`: each runs `lethe` once, and is not repeated while settings and inputs are the
same."""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time


def read_rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_rows(path, rows):
    """Leaves an equal file untouched."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path


class Interrupted(Exception):
    """The user stopped the run; what is finished is kept."""


class Failed(Exception):
    """`lethe` ended with status 1, such as a training that diverged."""


class Steps:
    """Runs `lethe` once for each result. Beside every result lies NAME.step.json: what made it, and its seconds."""

    def __init__(self, lethe, out, name="real"):
        self.lethe, self.out, self.name = lethe, out, name  # the name begins every line that is printed
        self.keys = {}  # result → hash of what made it, so that a result is made again after those it stands on
        self.child, self.stopped = None, False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)

    def _stop(self, number, _frame):
        # lethe finishes its step and writes a snapshot. A terminal sends Ctrl-C to both; SIGTERM comes here alone.
        self.stopped = True
        if self.child is not None and number == signal.SIGTERM:
            self.child.send_signal(number)

    def _key(self, command, inputs):
        parts = [command]
        for path in inputs:
            known = self.keys.get(path)
            parts.append(known or hashlib.sha256(path.read_bytes()).hexdigest())
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def run(self, title, result, command, inputs, resumes=False, may_fail=False, in_place=False):
        """@param result    the file or folder that the command writes
        @param inputs    files, or earlier results
        @param resumes   `lethe COMMAND --resume` continues an interrupted step
        @param in_place  the same command continues it, in the folder itself
        @param may_fail  a failure is kept like a result: raises Failed, now and when the step is asked for again
        """
        key = self._key(command, inputs)
        self.keys[result] = key
        note = result.with_name(result.name + ".step.json")
        before = json.loads(note.read_text()) if note.exists() else {}
        same = before.get("key") == key
        if same and before.get("done") and result.exists():
            print(f"{self.name}: {title}: done before ({before['seconds']:.0f} s)", flush=True)
            return before["seconds"]
        if same and may_fail and before.get("failed"):
            print(f"{self.name}: {title}: failed before; to repeat it, remove {note}", flush=True)
            raise Failed
        unfinished = result.with_name(result.name + ".unfinished")
        goes_on = resumes and same and unfinished.exists()
        seconds = before.get("seconds", 0) if goes_on or (in_place and same and result.exists()) else 0
        for path in ([] if in_place and same else [result]) + ([] if goes_on else [unfinished]):
            if path.is_dir():
                shutil.rmtree(path)
            elif path.exists():
                path.unlink()
        print(f"{self.name}: {title}", flush=True)
        begin = time.monotonic()
        result.parent.mkdir(parents=True, exist_ok=True)
        state = {"key": key, "command": command, "done": False, "seconds": seconds}
        note.write_text(json.dumps(state, indent=1) + "\n")
        status = self._lethe([command[0], "--resume", str(result)] if goes_on else command)
        if goes_on and status == 3:  # nothing to go on from, such as a snapshot that was never written
            shutil.rmtree(unfinished, ignore_errors=True)
            status = self._lethe(command)
        state["seconds"] = seconds + time.monotonic() - begin
        state["done"], state["failed"] = status == 0, status == 1 and not self.stopped
        note.write_text(json.dumps(state, indent=1) + "\n")
        if self.stopped:
            raise Interrupted
        if status == 1 and may_fail:
            raise Failed
        if status != 0:
            sys.exit(f"{self.name}: failed at: {title} (exit status {status})")
        return state["seconds"]

    def _lethe(self, command):
        if self.stopped:
            raise Interrupted
        self.child = subprocess.Popen([self.lethe, *command])
        status = self.child.wait()
        self.child = None
        return status
