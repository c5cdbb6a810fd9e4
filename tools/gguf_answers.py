#!/usr/bin/env python3
"""From Lethe's output to llama.cpp: unlearns a real model, converts it to GGUF, and compares greedy answers.

    tools/gguf_answers.py --model .cache/real/SmolLM2-135M-Instruct

Run it with the interpreter of .venv-llama (tools/setup.sh llama). Steps: a short unlearning with LoRA, `lethe merge`,
llama.cpp's converter (float32), and 32 chat prompts answered by `lethe generate` and by llama-cpp-python. llama.cpp
keeps keys and values in float16 unless told otherwise; here it keeps them in float32.

Exit status 0: all answers are the same, or where they part both tokens are nearly equally likely (--near, nats).
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from llama_cpp import Llama  # the installed package
from llama_cpp_converter import convert

ROOT = pathlib.Path(__file__).resolve().parent.parent

PROMPTS = [
    *(f"What is the capital of {country}?" for country in ("France", "Japan", "Kenya", "Peru", "Norway", "India")),
    *(f"Write two sentences about {thing}." for thing in ("the moon", "bread", "a lighthouse", "bees", "chess", "rain")),
    *(f"Explain {thing} to a child." for thing in ("gravity", "a rainbow", "money", "sleep", "magnets", "the tides")),
    *(f"How do I {thing}?" for thing in ("boil an egg", "learn to juggle", "clean a window", "plant a tree", "tie a tie")),
    *(f"Give me three words for {thing}." for thing in ("happy", "cold", "fast")),
    "Translate 'good morning' into Spanish.", "What is 12 + 30?", "Who wrote Hamlet?",
    "Hast du Zeit für mich?", "¿Cómo estás?", "Name a colour.",
]  # fmt: skip


def lethe(options, *words):
    done = subprocess.run([options.lethe, *map(str, words), "--quiet"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"lethe {words[0]} failed:\n{done.stderr}")
    return done.stdout


def unlearned(options, work):
    """A folder of SmolLM2 after a short unlearning of the demo's world."""
    lethe(options, "demo", "--data-only", "--out", work / "demo")
    data = work / "demo/data"
    settings = ["tuning=lora", "lora.targets=all-linear", "training.steps=8", "training.batch=2", "sku.k=1"]
    lethe(options, "unlearn", *settings, "evaluation.prompts=0", "negation.alpha=0.8", "--model", options.model,
          "--harmful", data / "harmful.jsonl", "--normal", data / "normal.jsonl", "--threads", options.threads,
          "--out", work / "run")  # fmt: skip
    lethe(options, "merge", "--base", options.model, "--adapter", work / "run/adapter", "--out", work / "model")
    return work / "model"


def lethe_answers(options, model, work):
    source, target = work / "prompts.jsonl", work / "answers.jsonl"
    source.write_text("".join(json.dumps({"prompt": prompt}) + "\n" for prompt in PROMPTS))
    lethe(options, "generate", "--model", model, "--template", "chat", "--input", source, "--output", target,
          "--max-new-tokens", options.tokens, "--threads", options.threads, "--dtype", "float32")  # fmt: skip
    return [json.loads(line) for line in target.read_text().splitlines()]


def llama_answers(options, gguf):
    """The greedy answers of llama-cpp-python, by the chat template that the converter put into the file."""
    model = Llama(str(gguf), n_ctx=1024, n_threads=options.threads, n_threads_batch=options.threads, verbose=False,
                  type_k=0, type_v=0, flash_attn=False)  # fmt: skip
    answers = []
    for prompt in PROMPTS:
        model.reset()
        reply = model.create_chat_completion(
            messages=[{"role": "user", "content": prompt}], temperature=0, max_tokens=options.tokens, repeat_penalty=1.0
        )
        answers.append(reply["choices"][0]["message"]["content"])
    return answers


def gap_where_they_part(options, model, prompt, ours, theirs, work):
    """By how many nats Lethe prefers its own token where two answers part."""
    source, target = work / "pair.jsonl", work / "pair_scores.jsonl"
    rows = [{"prompt": prompt, "response": answer} for answer in (ours, theirs)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    lethe(options, "score", "--model", model, "--template", "chat", "--input", source, "--output", target,
          "--threads", options.threads, "--dtype", "float32")  # fmt: skip
    first, second = (json.loads(line) for line in target.read_text().splitlines())
    target.unlink()
    for i, (a, b) in enumerate(zip(first["ids"], second["ids"])):
        if a != b:
            return abs(first["logprobs"][i - 1] - second["logprobs"][i - 1])
    return 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, required=True, help="folder that tools/real_model.py wrote")
    parser.add_argument("--unlearned", type=pathlib.Path, help="a checkpoint to convert, instead of a short unlearning")
    parser.add_argument("--lethe", default=str(ROOT / "build/lethe"))
    parser.add_argument("--converter-python", default=str(ROOT / ".venv-oracle/bin/python"))
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--near", type=float, default=1e-3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        model = options.unlearned or unlearned(options, work)
        gguf = convert(model, work / "model.gguf", "f32", options.converter_python)
        ours, theirs = lethe_answers(options, model, work), llama_answers(options, gguf)
        bad = 0
        for prompt, row, answer in zip(PROMPTS, ours, theirs):
            # llama-cpp-python leaves out a character that the last token begins but does not end.
            if row["response"].strip() == answer.strip():
                continue
            gap = gap_where_they_part(options, model, prompt, row["response"], answer, work)
            bad += gap > options.near
            print(f"gguf: {prompt!r}: answers part at a choice between tokens {gap:.1e} nats apart")
            print(f"  lethe      {row['response']!r}\n  llama.cpp  {answer!r}")
        same = sum(row["response"].strip() == answer.strip() for row, answer in zip(ours, theirs))
        tokens = sum(len(row["ids"]) for row in ours)
        print(f"gguf: {same} of {len(PROMPTS)} greedy answers are the same, {tokens} tokens in all")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
