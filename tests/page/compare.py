#!/usr/bin/env python3
"""Opens the page of `lethe serve RUN` in headless Chromium: asks, moves the slider, and looks at what came of it.

  compare.py --lethe build/lethe [--pictures FOLDER] [--tuning lora contrast full]

Trains three tiny runs on the demo's model first (a minute). Exit status 77: skipped, there is no Chromium here.
Debian: apt-get install --no-install-recommends chromium.
"""

import argparse
import contextlib
import http.client
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import urllib.parse

import browser

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STOPPED = "!document.querySelector('[aria-busy=true]') && document.querySelector('#unlearned .mark').textContent"
SETTINGS = {
    "lora": ["tuning=lora", "lora={rank: 16, alpha: 32, targets: all-linear}", "training.steps=40", "training.batch=4", "training.lr=5e-3"],
    "contrast": ["method=contrast", "tuning=lora", "training.steps=40", "training.batch=4", "training.lr=5e-3"],
    "full": ["tuning=full", "training.steps=40", "training.batch=4", "training.lr=1e-3"],
}


class Failed(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failed(what)


def lethe(program, *arguments):
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=600)
    check(done.returncode == 0, f"lethe {' '.join(arguments)}: {done.stderr[-2000:]}")
    return done.stdout


def train(program, folder, tuning):
    run = folder / tuning
    lethe(program, "unlearn", "--quiet", "--model", str(ROOT / "assets" / "demo"),
          "--harmful", str(folder / "demo" / "data" / "harmful.jsonl"),
          "--normal", str(folder / "demo" / "data" / "normal.jsonl"),
          'data.template="Question: {prompt}\\nAnswer:\\n{response}"', "data.append_eos=true",
          "evaluation.prompts=12", "evaluation.max_new_tokens=24", "negation.alpha=0.45", *SETTINGS[tuning],
          "--out", str(run))
    return run


@contextlib.contextmanager
def served(program, run, *options):
    """The address of a server of this run."""
    process = subprocess.Popen([program, "serve", str(run), "--port", "0", *options], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    try:
        seen = ""
        for line in process.stderr:
            seen += line
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found:
                yield found.group(0)
                break
        else:
            raise Failed(f"lethe serve ended: {seen[-2000:]}")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=240)


def ask(page, prompt):
    page.run("document.getElementById('prompt').focus(); document.getElementById('prompt').select()")
    page.type(prompt)
    page.press("Enter")
    page.wait("document.getElementById('asked').textContent !== ''")
    page.wait(STOPPED)
    page.wait("!document.querySelector('#unlearned .mark').textContent.includes('reads')")


def answer(page, role):
    return page.text(f"#{role} .text")


def set_alpha(page, key):
    """Home is 0, End the largest; None the stored one."""
    page.run("document.getElementById('alpha-state').textContent = ''")
    if key:
        page.run("document.getElementById('alpha').focus()")
        page.press(key)
    else:
        page.run("document.getElementById('reset').click()")
    page.wait("document.getElementById('alpha-state').textContent.includes('model is at')")
    page.wait("document.querySelector('#unlearned').getAttribute('aria-busy') || document.querySelector('#unlearned .mark').textContent")
    page.wait(STOPPED)
    page.wait("!/reads|answering/.test(document.querySelector('#unlearned .mark').textContent)")


def slider_changes_answers(page, address, run, pictures, name):
    lines = [json.loads(line) for line in (run / "predictions.jsonl").read_text(encoding="utf-8").splitlines()]
    answers = {(line["model"], line["prompt"]): line["response"] for line in lines if line["set"] == "seen"}
    prompt = next(prompt for model, prompt in answers
                  if model == "original" and answers["original", prompt] != answers["unlearned", prompt])
    before, after = answers["original", prompt], answers["unlearned", prompt]
    page.screen(1100, 900)
    page.open(address + "/")
    page.wait("document.getElementById('alpha-shown').textContent")
    ask(page, prompt)
    check(answer(page, "original") == before, f"original: {answer(page, 'original')!r}, predictions.jsonl: {before!r}")
    check(answer(page, "unlearned") == after, f"unlearned: {answer(page, 'unlearned')!r}, predictions.jsonl: {after!r}")
    page.picture(pictures / f"{name}_desktop.png")
    set_alpha(page, "Home")
    check(answer(page, "unlearned") == before, f"alpha 0 gives {answer(page, 'unlearned')!r}, not the original's answer")
    check(page.text("#alpha-shown") == "0 (the original)", page.text("#alpha-shown"))
    set_alpha(page, "End")
    check(answer(page, "unlearned") != before, "alpha 1 gives the original's answer")
    page.picture(pictures / f"{name}_alpha_1.png")
    set_alpha(page, None)
    check(answer(page, "unlearned") == after, f"the stored alpha gives {answer(page, 'unlearned')!r}, not {after!r} again")
    check("(stored)" in page.text("#alpha-shown"), page.text("#alpha-shown"))


def prompts_and_keys(page):
    count = page.run("document.getElementById('pick').options.length")
    check(count > 20, f"{count} prompts to pick")
    page.run("""const pick = document.getElementById('pick'); pick.selectedIndex = 1;
                pick.dispatchEvent(new Event('change'))""")
    check("Stored by the run" in page.text("#unlearned .faint"), page.text("#unlearned"))
    page.run("document.getElementById('prompt').focus(); document.getElementById('prompt').value = 'a'")
    page.run("document.getElementById('prompt').setSelectionRange(1, 1)")
    page.press("Enter", 2)
    page.press("Enter", 8)
    check(page.run("document.getElementById('prompt').value") == "a\n\n", "Ctrl+Enter and Shift+Enter are new lines")
    unlabelled = page.run("""[...document.querySelectorAll('input, select, textarea, button')].filter(e =>
      !e.labels?.length && !e.textContent.trim()).map(e => e.id)""")
    check(unlabelled == [], f"controls without a label: {unlabelled}")


def parts_are_switched(page):
    """Of a contrast, the harm is switched off and on; of other runs there is no switch."""
    boxes = page.run("[...document.querySelectorAll('#part-list input')].map(box => box.name)")
    check(boxes in ([], ["safe", "harm"]), f"parts: {boxes}")
    state = "document.getElementById('alpha-state').textContent"
    for without in ("", "!") if boxes else ():
        page.run("document.querySelector('#part-list [name=harm]').click()")
        page.wait(f"{state}.includes('model is at') && {without}{state}.includes('without the harm')")
        page.wait(STOPPED)
    return boxes


def looks(page, pictures, name):
    for width, height, dark in ((1100, 900, True), (390, 844, False), (390, 844, True)):
        page.screen(width, height, dark)
        page.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        check(page.cut_off() == [], f"at {width} pixels: {page.cut_off()}")
        page.picture(pictures / f"{name}_{width}{'_dark' if dark else ''}.png")


def request(address, method, path, headers, body=None):
    place = urllib.parse.urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
    connection.putrequest(method, path, skip_host=True)
    for key, value in {"Host": place.netloc, **headers}.items():
        connection.putheader(key, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    status = connection.getresponse().status
    connection.close()
    return status


def foreign_pages_are_refused(address):
    """A page of another origin, or of a name that was bound to this machine (DNS rebinding), cannot set alpha."""
    body, json_type = b'{"alpha": 0.1}', {"Content-Type": "application/json"}
    check(request(address, "POST", "/lethe/alpha", json_type, body) == 200, "the page's own request")
    for why, headers in {
        "another origin": {**json_type, "Origin": "https://evil.example"},
        "another host": {**json_type, "Host": "evil.example"},
        "no JSON, which needs no preflight": {"Content-Type": "text/plain"},
    }.items():
        status = request(address, "POST", "/lethe/alpha", headers, body)
        check(400 <= status < 500, f"{why}: {status}")
    check(400 <= request(address, "GET", "/lethe/run", {"Host": "evil.example"}) < 500, "the run for another host")


def static_page(page, program, run, pictures):
    lethe(program, "sweep", str(run), "--quiet", "--alpha", "0.2,0.45,1", "--prompts", "6")
    page.screen(1100, 900)
    page.open((run / "page.html").as_uri())
    page.wait("document.getElementById('alpha-shown').textContent")
    page.run("""const pick = document.getElementById('pick'); pick.selectedIndex = 1;
                pick.dispatchEvent(new Event('change'))""")
    check("Stored by the run" in page.text("#unlearned .faint"), page.text("#unlearned"))
    page.run("document.getElementById('alpha').focus()")
    page.press("End")
    check("No answer is stored" in page.text("#unlearned .faint"), page.text("#unlearned"))
    check("At α 1: " in page.text("#plots .reading"), page.text("#plots .reading"))
    page.picture(pictures / "static.png")
    looks(page, pictures, "static")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lethe", required=True)
    parser.add_argument("--pictures", type=pathlib.Path)
    parser.add_argument("--tuning", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    options = parser.parse_args()
    program = browser.chromium()
    if program is None:
        print("skipped: no Chromium here (apt-get install chromium)")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="lethe_page_") as name, browser.Page(program) as page:
        folder = pathlib.Path(name)
        pictures = options.pictures or folder
        pictures.mkdir(parents=True, exist_ok=True)
        lethe(options.lethe, "demo", "--data-only", "--quiet", "--out", str(folder / "demo"))
        for tuning in options.tuning:  # the last one is swept, too
            run = train(options.lethe, folder, tuning)
            with served(options.lethe, run) as address:
                slider_changes_answers(page, address, run, pictures, tuning)
                prompts_and_keys(page)
                check(bool(parts_are_switched(page)) == (tuning == "contrast"), "the switches of the parts")
                looks(page, pictures, tuning)
                foreign_pages_are_refused(address)
        static_page(page, options.lethe, run, pictures)
        check(page.problems == [], f"the browser's console: {page.problems}")
    print("the page answers, its slider changes the model, and the stored alpha gives the stored answer")


if __name__ == "__main__":
    try:
        main()
    except (Failed, TimeoutError) as problem:
        sys.exit(f"page: {problem}")
