"""What tools/gpu/run.py needs of the machine: programs with a time limit, and nvidia-smi."""

import os
import signal
import subprocess
import tempfile
import threading
import time


class Failed(Exception):
    pass


def last_lines(text, count=12):
    return "\n".join(text.strip().splitlines()[-count:])[-1500:]


def run(command, limit, env, folder, log=None, until=None):
    """Runs a command in `folder` and returns its output, which is also written to `log`.

    until(): when it becomes true, the command is ended, which is no failure."""
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=folder,
            start_new_session=True,
        )
        deadline, ended = time.monotonic() + limit, False
        while process.poll() is None and time.monotonic() < deadline and not ended:
            ended = until is not None and until()
            time.sleep(0.02)
        late = process.poll() is None and not ended
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        text = output.read()
    if log:
        log.write_text(text)
    if late:
        raise Failed(f"stopped after its {limit:.0f} s\n" + last_lines(text))
    if process.returncode != 0 and not ended:
        raise Failed(f"exit status {process.returncode}\n" + last_lines(text))
    return text


class Card:
    """The most memory that is used on the card, as nvidia-smi sees it, while this exists."""

    def __init__(self):
        self.most, self.stop = None, threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        while not self.stop.is_set():
            used = smi("memory.used")
            if used is None:
                return
            self.most = max(self.most or 0, int(float(used) * 2**20))
            self.stop.wait(0.3)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop.set()
        self.thread.join()


def smi(field):
    try:
        done = subprocess.run(
            ["nvidia-smi", f"--query-gpu={field}", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        return done.stdout.splitlines()[0].strip()
    except (OSError, subprocess.SubprocessError, IndexError):
        return None
