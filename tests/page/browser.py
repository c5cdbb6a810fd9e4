"""Drives headless Chromium for tests, over its DevTools pipe: needs no driver and no package.

Debian: apt-get install --no-install-recommends chromium.
Protocol: https://chromedevtools.github.io/devtools-protocol/ (with --remote-debugging-pipe: JSON texts that end in a zero
byte, read by the browser from descriptor 3 and written to 4).
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


def chromium():
    """The path of a browser, or None."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, names) if path), None)


class Page:
    """One page. `problems` gathers messages of its console, and exceptions."""

    def __init__(self, program):
        self.folder = tempfile.TemporaryDirectory(prefix="lethe_browser_")
        ours_read, theirs_write = os.pipe()
        theirs_read, ours_write = os.pipe()
        # The shell gives the pipes the numbers that the browser expects.
        self.process = subprocess.Popen(
            ["sh", "-c", f'exec "$0" "$@" 3<&{theirs_read} 4>&{theirs_write}', program, "--headless", "--no-sandbox",
             "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-background-networking",
             "--disable-dev-shm-usage", f"--user-data-dir={self.folder.name}", "--remote-debugging-pipe", "about:blank"],
            pass_fds=(theirs_read, theirs_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_read)
        os.close(theirs_write)
        self.reading, self.writing = ours_read, ours_write
        self.bytes, self.number, self.session = b"", 0, None
        self.problems = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)
        os.close(self.reading)
        os.close(self.writing)
        self.folder.cleanup()

    def message(self, within):
        """The next message of the browser."""
        end = time.monotonic() + within
        while b"\0" not in self.bytes:
            ready, _, _ = select.select([self.reading], [], [], max(0, end - time.monotonic()))
            piece = os.read(self.reading, 1 << 16) if ready else b""
            if not piece:
                raise TimeoutError("the browser does not answer")
            self.bytes += piece
        text, self.bytes = self.bytes.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        """A command of the protocol; its result."""
        self.number += 1
        command = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.writing, json.dumps(command).encode() + b"\0")
        while True:
            message = self.message(within=240)
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self.note(message)

    def note(self, event):
        parameters = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.problems.append(parameters["exceptionDetails"].get("exception", {}).get("description", "exception"))
        elif event.get("method") == "Log.entryAdded":
            self.problems.append(parameters["entry"]["text"])
        elif event.get("method") == "Runtime.consoleAPICalled":
            self.problems.append(str(parameters["args"]))

    def run(self, script):
        """The value of a JavaScript expression; a promise is waited for."""
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"].get("exception", {}).get("description", "exception"))
        return result["result"].get("value")

    def wait(self, condition, within=240):
        """Until a JavaScript expression is true."""
        end = time.monotonic() + within
        while not self.run(f"Boolean({condition})"):
            if time.monotonic() > end:
                raise TimeoutError(f"not within {within} s: {condition}; the page says {self.run('document.body.innerText')}")
            time.sleep(0.05)

    def open(self, address):
        self.call("Page.navigate", url=address)
        self.wait("document.readyState === 'complete'")

    def text(self, selector):
        return self.run(f"document.querySelector({json.dumps(selector)}).textContent")

    def press(self, key, modifiers=0):
        """A key on what has the focus. @param modifiers  2 is Ctrl, 8 Shift"""
        codes = {"Enter": 13, "ArrowRight": 39, "ArrowLeft": 37, "Home": 36, "End": 35, "Tab": 9, "Space": 32}
        event = {"key": " " if key == "Space" else key, "code": key, "windowsVirtualKeyCode": codes[key],
                 "modifiers": modifiers}
        if key == "Enter" and modifiers != 2:
            event["text"] = "\r"
        self.call("Input.dispatchKeyEvent", type="keyDown", **event)
        self.call("Input.dispatchKeyEvent", type="keyUp", **{k: v for k, v in event.items() if k != "text"})

    def type(self, text):
        self.call("Input.insertText", text=text)

    def screen(self, width, height, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def picture(self, path):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def cut_off(self):
        """What is wider than its place or the screen: nobody can read it on a phone."""
        return self.run("""[document.documentElement.scrollWidth <= innerWidth ? [] : ['the page'],
          ...[...document.querySelectorAll('main *')].filter(e => e.clientWidth > 0 && !e.closest('svg') &&
          e.tagName !== 'SELECT' && e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML.slice(0, 120))].flat()""")
