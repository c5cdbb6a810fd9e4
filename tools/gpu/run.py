#!/usr/bin/env python3
"""Tests Lethe on this machine's GPU and measures it. Lies in the bundle that `make gpu` makes, and needs no compiler:
only Python with torch of the engine's version (tools/engine.txt). Packages transformers and peft are used if they are
there, for comparison.

    python3 run.py --out FOLDER

Writes gpu.json and gpu.md after every step, so that a run that is cut short keeps what it has. Each step has its own
time limit; the whole takes less than nine minutes. With --dry every step runs on the CPU, at small shapes.
"""

import argparse
import dataclasses
import importlib.util
import json
import math
import os
import pathlib
import random
import re
import shutil
import statistics
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "bench"))
import arithmetic  # noqa: E402
import shapes  # noqa: E402
from machine import Card, Failed, last_lines, run, smi  # noqa: E402

import report  # noqa: E402

BATCH, K, WARM, STEPS, LORA = 2, 5, 3, 9, 32
ALL_SECONDS = 525


@dataclasses.dataclass
class Plan:
    """What differs between a GPU and a rehearsal."""

    device: str
    dtype: str
    llama: str
    opt: str
    rows: tuple  # decoded at a time
    new_tokens: int
    matmul: int  # rows of the large matrix product


GPU = Plan("cuda", "bfloat16", "LLaMA-2-7B", "OPT-2.7B", (1, 32, 256), 128, 8192)
DRY = Plan("cpu", "float32", "tiny-llama", "tiny-opt", (1, 4, 16), 8, 512)

RATE = """
import json, sys, time, torch
size, device, dtype = int(sys.argv[1]), sys.argv[2], getattr(torch, sys.argv[3])
wait = torch.cuda.synchronize if device == "cuda" else lambda: None
a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
def best(work):
    times = []
    for _ in range(12):
        wait(); begin = time.perf_counter(); work(); wait()
        times.append(time.perf_counter() - begin)
    return min(times)
c = torch.empty(size * size * 8, device=device, dtype=dtype)
d = torch.empty_like(c)
print(json.dumps({"flops": 2 * size**3 / best(lambda: torch.mm(a, b)),
                  "bytes_s": 2 * c.nbytes / best(lambda: d.copy_(c)), "torch": torch.__version__}))
"""


class Session:
    def __init__(self, args):
        self.args, self.plan = args, DRY if args.dry else GPU
        self.end = time.monotonic() + args.seconds
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="lethe_gpu_", dir=args.work))
        self.peer_limit = 200 if args.dry else 100
        self.rate = None  # of the large matrix product, flop/s
        self.env = dict(os.environ, PYTHONUNBUFFERED="1", **({"OMP_NUM_THREADS": "1"} if args.dry else {}))
        folders = [str(HERE / "lib"), str(pathlib.Path(args.engine) / "lib")] + [
            f for f in ("/usr/local/nvidia/lib64",) if os.path.isdir(f)
        ]
        self.lethe_env = dict(
            self.env,
            LD_LIBRARY_PATH=":".join(
                folders + [self.env["LD_LIBRARY_PATH"]] if self.env.get("LD_LIBRARY_PATH") else folders
            ),
        )

    def left(self):
        return self.end - time.monotonic()

    def run(self, command, limit, env, log=None, until=None):
        output = log and self.args.out / log
        return run(command, min(limit, max(self.left(), 1)), env, self.work, output, until)

    def lethe(self, *words, limit, until=None):
        device = ["--device", self.plan.device, "--dtype", self.plan.dtype]
        return self.run([HERE / "lethe", *words, *device], limit, self.lethe_env, until=until)

    # ---- inputs

    def model(self, name):
        """A checkpoint with random weights; written once."""
        folder = self.work / name
        if not (folder / "complete").exists():
            model = dataclasses.replace(next(m for m in shapes.MODELS if m.name == name), dtype="BF16")
            shapes.write_checkpoint(model, folder)
            (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
            (folder / "complete").write_text("")
        return folder

    def data(self, name):
        """Rows for Lethe and for hf_sku.py, whose draws are repeated here: data.plan, and the files that it reads."""
        folder = self.work / (name + "-data")
        if not folder.exists():
            folder.mkdir()
            shapes.write_pairs(next(m for m in shapes.MODELS if m.name == name), folder)
            harmful, normal = (
                [(r["prompt"], r["response"]) for r in map(json.loads, open(folder / f"{kind}.jsonl"))]
                for kind in ("harmful", "normal")
            )
            with open(folder / "pku.jsonl", "w") as out:
                for prompt, response in harmful:
                    out.write(json.dumps({"prompt": prompt, "response_1": response}) + "\n")
            with open(folder / "truthful.csv", "w") as out:
                out.write("Question,Best Answer\n" + "".join(f"{p},{r}\n" for p, r in normal))
            draw, responses = random.Random(8888), [r for _, r in harmful]
            with open(folder / "plan.jsonl", "w") as out:
                for _ in range(WARM + STEPS):
                    rows = (
                        draw.sample(harmful, BATCH),
                        [draw.sample(responses, K) for _ in range(BATCH)],
                        draw.sample(normal, BATCH),
                    )
                    out.write(json.dumps(dict(zip(("harmful", "random", "normal"), rows))) + "\n")
        return folder

    # ---- steps: each returns a dictionary of figures

    def tests(self):
        env = dict(self.lethe_env, **({"LETHE_STAND_IN": "1"} if self.args.dry else {}))
        found = self.work / "tests.json"
        failure = None
        try:
            self.run([HERE / "lethe_test_gpu", f"--gtest_output=json:{found}"], 120, env, log="tests.log")
        except Failed as error:
            failure = str(error)
        if not found.exists():
            raise Failed(failure or "no result")
        cases = [case for suite in json.loads(found.read_text())["testsuites"] for case in suite["testsuite"]]
        named = [f"{case['classname']}.{case['name']}" for case in cases if "failures" in case]
        skipped = sum(case.get("result") == "SKIPPED" for case in cases)
        return {"passed": len(cases) - len(named) - skipped, "skipped": skipped, "failed": named}

    def rates(self):
        self.need("torch")
        text = self.run([sys.executable, "-c", RATE, self.plan.matmul, self.plan.device, self.plan.dtype], 60, self.env)
        found = json.loads(text.splitlines()[-1])
        self.rate = found["flops"]
        return found

    def training(self, name, lora, *keys, limit):
        folder, data, out = self.model(name), self.data(name), self.work / "run"
        for left in (out, out.with_suffix(".unfinished")):
            shutil.rmtree(left, ignore_errors=True)
        tuning = ["tuning=lora", f"lora.rank={LORA}", f"lora.alpha={LORA // 2}"] if lora else ["tuning=full"]
        unfinished = out.with_suffix(".unfinished") / "metrics.jsonl"

        def enough():  # full tuning ends with a snapshot of three float32 copies, which measures the disk
            return not lora and unfinished.exists() and len(unfinished.read_text().splitlines()) >= WARM + STEPS

        begin = time.monotonic()
        with Card() as card:
            self.lethe(
                "unlearn",
                *tuning,
                *keys,
                f"data.plan={data / 'plan.jsonl'}",
                f"training.steps={WARM + STEPS}",
                "training.schedule=constant",
                "training.weight_decay=0.01",
                "training.clip=0",
                "sku.pd_margin=0",
                "training.lr=2e-4",
                "training.snapshot_minutes=0",
                "negation.alpha=1",
                "evaluation.prompts=0",
                "--quiet",
                "--model",
                folder,
                "--out",
                out,
                limit=limit,
                until=enough,
            )
        seconds = time.monotonic() - begin
        metrics = unfinished if unfinished.exists() else out / "metrics.jsonl"
        steps = [json.loads(line) for line in metrics.read_text().splitlines()]
        if not steps or not all(math.isfinite(step["loss"]) for step in steps):
            raise Failed("a loss is not finite")
        timed = steps[WARM:]
        step_s = statistics.median(step["seconds"] for step in timed)
        plan = [json.loads(line) for line in (data / "plan.jsonl").read_text().splitlines()[WARM:]]
        shape = arithmetic.Shape.of(json.loads((folder / "config.json").read_text()))
        flop = arithmetic.least_flop(shape, plan, lambda p, r: (6 + len(p.split()), len(r.split())), lora)
        found = {
            "model": name,
            "settings": [*tuning[:1], *keys],
            "step_s": step_s,
            "tokens_s": sum(s["tokens"] for s in timed) / sum(s["seconds"] for s in timed),
            "rate_share": flop / step_s / self.rate if self.rate else None,
            "card_bytes": card.most,
            "losses": [step["loss"] for step in steps],
            "command_s": seconds,
        }
        if (out / "run.json").exists():
            record = json.loads((out / "run.json").read_text())
            found |= {"tensor_bytes": record.get("peak_device_bytes"), "host_bytes": record["peak_rss_bytes"]}
        shutil.rmtree(out, ignore_errors=True)
        shutil.rmtree(out.with_suffix(".unfinished"), ignore_errors=True)
        return found

    def decoding(self, rows):
        folder, prompts = self.model(self.plan.llama), self.work / f"prompts-{rows}.jsonl"
        draw = random.Random(rows)
        with open(prompts, "w") as out:
            for _ in range(rows):
                out.write(json.dumps({"ids": [draw.randrange(10, 1000) for _ in range(32)]}) + "\n")
        with Card() as card:
            text = self.lethe(
                "generate",
                "--model",
                folder,
                "--input",
                prompts,
                "--output",
                self.work / "answers.jsonl",
                "--batch",
                rows,
                "--max-new-tokens",
                self.plan.new_tokens,
                limit=60,
            )
        rate = re.search(r"([\d,]+) tokens in .*: ([\d,]+) tokens/s", text)
        if not rate:
            raise Failed("no rate in the output\n" + last_lines(text))
        tokens, speed = (int(number.replace(",", "")) for number in rate.groups())
        return {"rows": rows, "tokens": tokens, "tokens_s": speed, "card_bytes": card.most}

    def need(self, *packages):
        missing = [package for package in packages if importlib.util.find_spec(package) is None]
        if missing:
            raise Failed("not compared: this Python has no " + " or ".join(missing))

    def peer_training(self, name, lora, style):
        script = HERE / "hf_sku.py"
        if not script.exists():
            raise Failed("not compared: the bundle has no hf_sku.py (make gpu PEER=…)")
        self.need("transformers", *(["peft"] if lora else []))
        folder, data = self.model(name), self.data(name)
        text = self.run(
            [
                sys.executable,
                script,
                "--model",
                folder,
                "--harmful",
                data / "pku.jsonl",
                "--normal",
                data / "truthful.csv",
                "--style",
                style,
                "--lora",
                LORA if lora else 0,
                "--steps",
                STEPS,
                "--warm",
                WARM,
                "--device",
                self.plan.device,
                "--dtype",
                self.plan.dtype,
                *(["--threads", 1] if self.args.dry else []),
                "--dump-plan",
                self.work / "peer.jsonl",
            ],
            self.peer_limit,
            self.env,
        )
        same = (self.work / "peer.jsonl").read_text() == (data / "plan.jsonl").read_text()
        found = json.loads(text.splitlines()[-1])
        return {
            "model": name,
            "style": style,
            "step_s": found["step_s"],
            "same_rows": same,
            "losses": found["losses"],
            "tokens_s": found["tok_s"],
            "tensor_bytes": found["peak_gpu_mb"] * 2**20,
        }

    def peer_decoding(self):
        self.need("transformers")
        text = self.run(
            [
                sys.executable,
                HERE / "peer_generate.py",
                "--model",
                self.model(self.plan.llama),
                "--device",
                self.plan.device,
                "--dtype",
                self.plan.dtype,
                "--new-tokens",
                self.plan.new_tokens,
                "--rows",
                *self.plan.rows,
            ],
            self.peer_limit,
            self.env,
        )
        return json.loads(text.splitlines()[-1])

    def steps(self):
        llama, opt = self.plan.llama, self.plan.opt
        yield "tests", self.tests
        yield "rates", self.rates
        yield "checkpoints", lambda: {"folders": [self.model(llama).name, self.model(opt).name]}
        yield "lora", lambda: self.training(llama, True, limit=100)
        yield "lora_nf4", lambda: self.training(llama, True, "quantize=nf4", "training.recompute=true", limit=120)
        yield "full", lambda: self.training(opt, False, limit=100)
        for rows in self.plan.rows:
            yield f"decoding_{rows}", lambda rows=rows: self.decoding(rows)
        yield "peer_lora", lambda: self.peer_training(llama, True, "tuned")
        yield "peer_decoding", self.peer_decoding
        yield "peer_full", lambda: self.peer_training(opt, False, "tuned")

    def machine(self):
        return {
            "card": smi("name") or "none",
            "driver": smi("driver_version"),
            "card_bytes_total": smi("memory.total"),
            "device": self.plan.device,
            "dtype": self.plan.dtype,
            "dry": self.args.dry,
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "cores": os.cpu_count(),
        }

    def go(self):
        results = {"machine": self.machine(), "steps": {}}
        for name, step in self.steps():
            if self.args.only and not name.startswith(tuple(self.args.only)):
                continue
            print(f"{name}: ", end="", flush=True)
            begin = time.monotonic()
            try:
                if self.left() < 10:
                    raise Failed("no time is left")
                found = step()
            except Failed as error:
                found = {"failure": str(error)}
            except (OSError, ValueError, KeyError) as error:  # a step that breaks must not take the others with it
                found = {"failure": f"{type(error).__name__}: {error}"}
            found["seconds"] = round(time.monotonic() - begin, 1)
            results["steps"][name] = found
            print(f"{found['seconds']} s  " + found.get("failure", "done").replace("\n", "\n    "), flush=True)
            report.write(self.args.out, results)
        print("\n" + (self.args.out / "gpu.md").read_text())
        bad = results["steps"].get("tests", {})
        return (
            1
            if bad.get("failed")
            or any("failure" in s and not s["failure"].startswith("not compared") for s in results["steps"].values())
            else 0
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        default=os.environ.get("OUT", "gpu_results"),
        help="folder for the results; default: $OUT",
    )
    parser.add_argument("--work", help="folder for checkpoints, 20 GB; default: the system's for temporary files")
    parser.add_argument("--engine", help="the folder of torch; default: this Python's")
    parser.add_argument("--seconds", type=float, default=ALL_SECONDS, help="for everything")
    parser.add_argument("--only", nargs="*", help="beginnings of names of steps: tests lora decoding …")
    parser.add_argument("--dry", action="store_true", help="rehearse on the CPU")
    args = parser.parse_args()
    if not args.engine:
        found = importlib.util.find_spec("torch")
        if found is None:
            parser.error("this Python has no torch: give --engine …/site-packages/torch")
        args.engine = found.submodule_search_locations[0]
    args.out = args.out.resolve()
    args.out.mkdir(parents=True, exist_ok=True)
    session = Session(args)
    try:
        sys.exit(session.go())
    finally:
        shutil.rmtree(session.work, ignore_errors=True)


if __name__ == "__main__":
    main()
