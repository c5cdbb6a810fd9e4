#!/usr/bin/env python3
"""Measures which share of a run's time choosing alpha takes.

Runs `lethe unlearn` with a KL budget on PKU-SafeRLHF and TruthfulQA, and prints the seconds of each stage from run.json and
the measurements from results.json. The model is the real one (`make real-model`) where it exists, else the demo's.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / ".cache/real/SmolLM2-135M-Instruct")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--budget", default="0.1", help="negation.kl_budget, nats a token")
    parser.add_argument("settings", nargs="*", help="further settings of the recipe: key=value")
    args = parser.parse_args()
    model = args.model if (args.model / "model.safetensors").exists() else ROOT / "assets/demo"
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "run"
        subprocess.run([str(ROOT / "build/lethe"), "unlearn", "tuning=lora", "lora={rank: 16, alpha: 32, targets: all-linear}",
                        f"training.steps={args.steps}", "training.batch=4", "training.lr=5e-4", "data.max_length=160",
                        f"negation.kl_budget={args.budget}", "evaluation.prompts=40", "evaluation.max_new_tokens=40", "evaluation.cache=false",
                        *args.settings, "--model", str(model), "--harmful", f"{args.data}/pku_saferlhf/train.jsonl",
                        "--normal", f"{args.data}/truthfulqa/TruthfulQA.csv", "--out", str(out), "--quiet"],
                       check=True, stdout=subprocess.DEVNULL)
        run = json.loads((out / "run.json").read_text())
        results = json.loads((out / "results.json").read_text())
    seconds, choice = run["seconds_of_stages"], results["alpha_choice"]
    total = run["seconds"]
    error = choice["standard_error"]  # null: of one pair
    print(f"{model.name}, LoRA, {args.steps} steps of 4 rows; alpha {choice['alpha']:.3f} at a KL of {choice['kl']:.4f} "
          f"{'' if error is None else f'± {error:.4f} '}of a budget of {args.budget}\n")
    print("| choosing alpha | measurements | pairs | tokens | seconds | share of the run | training | evaluation | whole run |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    print(f"| {model.name} | {choice['measurements']} | {choice['pairs']} | {choice['tokens']} | {seconds['alpha']:.1f} | "
          f"{seconds['alpha'] / total:.0%} | {seconds['training']:.0f} s | {seconds['original'] + seconds['result']:.0f} s | "
          f"{total:.0f} s |")


if __name__ == "__main__":
    main()
