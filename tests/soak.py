#!/usr/bin/env python3
"""Long runs and large files: memory and open files must not grow, a file need not fit in memory.

Prints a line for each check and stops at the first that fails. --short uses small inputs (part of `make test`);
`make soak` does 10,000 steps, a CSV of 4 GB and a million prompts.
"""
import argparse
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORDS = "well lamp fish mira saltby barley sorrel milk crush wait pour north river seven cart bell".split()


def resident_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024


def watched(command, sample):
    """Runs a command, calls sample(pid) about ten times a second. Returns seconds and the peak MB."""
    begin, peak = time.perf_counter(), 0
    process = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               env=os.environ | {"OMP_NUM_THREADS": "1"})
    while process.poll() is None:
        try:
            peak = max(peak, resident_mb(process.pid))
            sample(process.pid)
        except (OSError, AttributeError):
            pass  # it has just ended
        time.sleep(0.1 if time.perf_counter() - begin > 2 else 0.01)
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit status {process.returncode}\n{process.stderr.read()[-2000:]}")
    return time.perf_counter() - begin, peak


def check(holds, text):
    print(("ok    " if holds else "FAILED ") + text, flush=True)
    if not holds:
        sys.exit(1)


def rows(count, file, seed=3):
    random.seed(seed)
    for i in range(count):
        file.write(f'{{"prompt": "{i} {" ".join(random.choices(WORDS, k=8))}?", "response": "{" ".join(random.choices(WORDS, k=12))}."}}\n')


def many_steps(args, folder):
    """Rows of many lengths, so that a cache by shape would grow."""
    harmful, normal = folder / "harmful.jsonl", folder / "rows.jsonl"
    for data, seed in ((harmful, 4), (normal, 3)):
        with open(data, "w") as file:
            rows(2000, file, seed)
    metrics, seen = folder / "run.unfinished/metrics.jsonl", []

    def sample(pid):
        steps = metrics.read_bytes().count(b"\n")
        if steps:
            seen.append((steps, resident_mb(pid), len(os.listdir(f"/proc/{pid}/fd"))))

    seconds, _ = watched([args.lethe, "unlearn", "--quiet", "--model", ROOT / "assets/demo", "--harmful", harmful, "--normal", normal, "tuning=lora", "training.batch=2", "sku.k=2",
                          f"training.steps={args.steps}", f"training.snapshot_steps={max(10, args.steps // 20)}", "evaluation.prompts=0", "negation.alpha=0.5", "--out", folder / "run"],
                         sample)
    early = [s for s in seen if args.steps * 0.1 <= s[0] <= args.steps * 0.3]
    late = [s for s in seen if args.steps * 0.8 <= s[0] < args.steps]
    if not early or not late:
        sys.exit("too few samples were taken")
    megabytes = [max(s[1] for s in part) for part in (early, late)]
    files = [statistics.median(s[2] for s in part) for part in (early, late)]
    check(megabytes[1] - megabytes[0] < 16, f"{args.steps} steps in {seconds:.0f} s: {megabytes[0]:.0f} MB in their second tenth, {megabytes[1]:.0f} MB in their last fifth")
    check(files[1] <= files[0], f"{args.steps} steps: {files[0]:.0f} open files, then {files[1]:.0f}")


def large_csv(args, folder):
    path, size = folder / "large.csv", 0
    random.seed(4)
    block = "".join(f'"{i} a question, with ""quotes"" and\nlines","{" ".join(random.choices(WORDS, k=60))}"\n' for i in range(20000)).encode()
    with open(path, "wb") as file:
        file.write(b"prompt,response\n")
        while size < args.csv_gigabytes * 1e9:
            size += file.write(block)
    seconds, peak = watched([args.lethe, "inspect", path], lambda pid: None)
    check(peak < 300, f"inspect of a CSV of {size / 1e9:.2f} GB: {seconds:.0f} s, {size / 1e6 / seconds:.0f} MB/s, {peak:.0f} MB resident")
    path.unlink()


def many_prompts(args, folder):
    path = folder / "prompts.jsonl"
    with open(path, "w") as file:
        rows(args.prompts, file)
    megabytes = path.stat().st_size / 1e6
    shutil.rmtree(folder / "run", ignore_errors=True)
    seconds, peak = watched([args.lethe, "unlearn", "--quiet", "--model", ROOT / "assets/demo", "--harmful", path, "--normal", folder / "rows.jsonl", "tuning=lora",
                             "training.steps=1", "evaluation.prompts=0", "negation.alpha=0.5", "--out", folder / "run"], lambda pid: None)
    per_million = seconds / args.prompts * 1e6
    check(args.prompts < 100_000 or per_million < 60, f"{args.prompts} prompts ({megabytes:.0f} MB): read, split and one step in {seconds:.1f} s, {peak:.0f} MB resident")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lethe", default=str(ROOT / "build/lethe"))
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--csv-gigabytes", type=float)
    parser.add_argument("--prompts", type=int)
    parser.add_argument("--folder", help="where the files go for a while (default: the system's temporary folder)")
    args = parser.parse_args()
    args.steps = args.steps or (400 if args.short else 10_000)
    args.csv_gigabytes = args.csv_gigabytes or (0.02 if args.short else 4)
    args.prompts = args.prompts or (5_000 if args.short else 1_000_000)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        for part in (many_steps, large_csv, many_prompts):
            part(args, pathlib.Path(folder))


if __name__ == "__main__":
    main()
