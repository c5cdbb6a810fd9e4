#!/usr/bin/env python3
"""Measures what a user waits for: time and memory of each stage of `lethe unlearn`, and the choice of alpha.

Runs `lethe unlearn` with a KL budget on PKU-SafeRLHF and TruthfulQA, and prints the stages of run.json and the
measurements of results.json. With --again a second run finds the original's answers in the cache. The model is the
real one (`make real-model`) where it exists, else the demo's.
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def unlearn(args, model, folder, name):
    """run.json and results.json of one run, with a cache of its own."""
    out = folder / name
    command = [str(args.lethe), "unlearn", "tuning=lora", "lora={rank: 16, alpha: 32, targets: all-linear}"]
    command += [f"training.steps={args.steps}", "training.batch=4", "training.lr=5e-4", "data.max_length=160"]
    command += [f"negation.kl_budget={args.budget}", "evaluation.prompts=40", "evaluation.max_new_tokens=40"]
    command += [*args.settings, "--model", str(model), "--harmful", f"{args.data}/pku_saferlhf/train.jsonl"]
    command += ["--normal", f"{args.data}/truthfulqa/TruthfulQA.csv", "--out", str(out), "--quiet"]
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return json.loads((out / "run.json").read_text()), json.loads((out / "results.json").read_text())


def print_stages(title, run):
    """A row a stage; `rest` is what lies between them: starting, checking, hashing outputs."""
    total = run["seconds"]
    rest = total - sum(stage["seconds"] for stage in run["stages"])
    print(f"\n| {title} | seconds | share | peak MB |\n|---|---:|---:|---:|")
    for stage in run["stages"] + [{"stage": "rest", "seconds": rest}]:
        memory = f"{stage['peak_bytes'] / 1e6:,.0f}" if "peak_bytes" in stage else ""
        print(f"| {stage['stage']} | {stage['seconds']:.1f} | {stage['seconds'] / total:.1%} | {memory} |")
    print(f"| whole run | {total:.1f} | | {run['peak_rss_bytes'] / 1e6:,.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--lethe", type=pathlib.Path, default=ROOT / "build/lethe")
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / ".cache/real/SmolLM2-135M-Instruct")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--budget", default="0.1", help="negation.kl_budget, nats a token")
    parser.add_argument("--again", action="store_true", help="a second run, which finds the original's answers")
    parser.add_argument("settings", nargs="*", help="further settings of the recipe: key=value")
    args = parser.parse_args()
    model = args.model if (args.model / "model.safetensors").exists() else ROOT / "assets/demo"
    print(f"{model.name}, LoRA, {args.steps} steps of 4 rows")
    with tempfile.TemporaryDirectory() as folder:
        run, results = unlearn(args, model, pathlib.Path(folder), "first")
        print_stages("stage", run)
        if args.again:
            again, _ = unlearn(args, model, pathlib.Path(folder), "again")
            print_stages("stage, the original's answers from the cache", again)

    choice = results["alpha_choice"]
    seconds = sum(stage["seconds"] for stage in run["stages"] if stage["stage"] == "alpha")
    error = choice["standard_error"]  # null: of one pair
    pairs = ", ".join(str(point["pairs"]) for point in reversed(results["alpha_curve"]))
    print(
        f"\nalpha {choice['alpha']:.3f} at a KL of {choice['kl']:.4f} "
        f"{'' if error is None else f'± {error:.4f} '}of a budget of {args.budget}: {choice['measurements']} "
        f"measurements, on {pairs} answers by descending alpha, {seconds:.1f} s, {seconds / run['seconds']:.1%} of the run"
    )


if __name__ == "__main__":
    main()
