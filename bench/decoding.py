#!/usr/bin/env python3
"""Tokens a second of `lethe generate` and of llama.cpp, on the same weights, prompts, threads and numbers of tokens.

    .venv-llama/bin/python bench/decoding.py --model .cache/real/SmolLM2-135M-Instruct

llama.cpp reads the weights as a float16 GGUF file (its converter makes it once, beside the model), Lethe in float32 and
in bfloat16. A rate is that of decoding alone: the difference of a long and a short run, without loading and prompts.
llama.cpp generates for each prompt as many tokens as Lethe did. Rounds alternate; the table shows medians. llama.cpp
comes from tools/setup.sh llama.
"""

import argparse
import ctypes
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import llama_cpp
import numpy

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tools"))
from llama_cpp_converter import convert  # noqa: E402

GOAL = 1.3  # times llama.cpp's time a token, at most
TOPICS = """the sea, mountains, the history of bread, trains, the human heart, winter, bees, the moon, coffee, a lighthouse,
chess, rivers, sleep, music, gardens, old maps""".replace("\n", " ").split(", ")
PROMPT = "<|im_start|>user\nWrite a long and detailed essay about {}.<|im_end|>\n<|im_start|>assistant\n"


class LlamaCpp:
    """Greedy decoding of several sequences at once, by llama.cpp's own functions."""

    def __init__(self, gguf, threads, sequences):
        # Silence; the object must live as long as the library.
        self.log = llama_cpp.llama_log_callback(lambda *_: None)
        llama_cpp.llama_log_set(self.log, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        self.model = llama_cpp.llama_model_load_from_file(str(gguf).encode(), llama_cpp.llama_model_default_params())
        self.vocabulary = llama_cpp.llama_model_get_vocab(self.model)
        self.words = llama_cpp.llama_vocab_n_tokens(self.vocabulary)
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx = 1024 * sequences
        settings.n_batch = settings.n_ubatch = 2048
        settings.n_seq_max = sequences
        settings.n_threads = settings.n_threads_batch = threads
        self.context = llama_cpp.llama_init_from_model(self.model, settings)
        self.batch = llama_cpp.llama_batch_init(2048, 0, 1)

    def tokenize(self, text):
        space = (llama_cpp.llama_token * 512)()
        data = text.encode()
        count = llama_cpp.llama_tokenize(self.vocabulary, data, len(data), space, len(space), False, True)
        return list(space[:count])

    def _decode(self, entries):
        """entries: (token, position, sequence, whether its logits are wanted). Returns the greedy next tokens."""
        self.batch.n_tokens = len(entries)
        for i, (token, position, sequence, wanted) in enumerate(entries):
            self.batch.token[i], self.batch.pos[i] = token, position
            self.batch.n_seq_id[i], self.batch.seq_id[i][0] = 1, sequence
            self.batch.logits[i] = wanted
        if llama_cpp.llama_decode(self.context, self.batch) != 0:
            sys.exit("llama.cpp cannot decode")
        best = []
        for i, entry in enumerate(entries):
            if entry[3]:
                logits = llama_cpp.llama_get_logits_ith(self.context, i)
                best.append(int(numpy.ctypeslib.as_array(logits, (self.words,)).argmax()))
        return best

    def generate(self, prompts, lengths):
        """Generates lengths[i] tokens after prompts[i]. Returns the tokens, and the seconds after the prompts."""
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)
        answers = []
        for sequence, prompt in enumerate(prompts):
            last = len(prompt) - 1
            answers.append(self._decode([(token, i, sequence, i == last) for i, token in enumerate(prompt)]))
        begin = time.perf_counter()
        while going := [i for i in range(len(prompts)) if len(answers[i]) < lengths[i]]:
            entries = [(answers[i][-1], len(prompts[i]) + len(answers[i]) - 1, i, True) for i in going]
            for i, token in zip(going, self._decode(entries)):
                answers[i].append(token)
        return answers, time.perf_counter() - begin


def lethe(args, rows, batch, dtype, tokens, folder):
    """The answers' ids, and the seconds of the whole command."""
    source, target = folder / "prompts.jsonl", folder / "answers.jsonl"
    source.write_text("".join(json.dumps({"ids": ids}) + "\n" for ids in rows))
    command = [args.lethe, "generate", "--model", args.model, "--input", source, "--output", target, "--quiet"]
    command += ["--batch", batch, "--dtype", dtype, "--threads", args.threads, "--max-new-tokens", tokens]
    begin = time.perf_counter()
    subprocess.run([str(word) for word in command], check=True)
    seconds = time.perf_counter() - begin
    answers = [json.loads(line)["ids"] for line in target.read_text().splitlines()]
    target.unlink()
    return answers, seconds


def groups(rows, batch):
    return [rows[i : i + batch] for i in range(0, len(rows), batch)]


def measure(args, batch, folder):
    """A row of the table: rates of both of Lethe's types and of llama.cpp."""
    peer = LlamaCpp(args.gguf, args.threads, batch)
    rows = [peer.tokenize(PROMPT.format(topic)) for topic in TOPICS[: max(batch, args.alone)]]
    rates = {"float32": [], "bfloat16": [], "llama.cpp": []}
    for _ in range(args.rounds):
        for dtype in ("float32", "bfloat16"):
            short, of_short = lethe(args, rows, batch, dtype, args.short, folder)
            long, of_long = lethe(args, rows, batch, dtype, args.tokens, folder)
            rates[dtype].append((sum(map(len, long)) - sum(map(len, short))) / (of_long - of_short))
            if dtype == "float32":
                lengths, same_as = [len(ids) for ids in long], long
        tokens, seconds, answers = 0, 0.0, []
        for part, size in zip(groups(rows, batch), groups(lengths, batch)):
            found, of_part = peer.generate(part, size)
            tokens += sum(size) - len(size)  # the first token of each belongs to its prompt
            seconds += of_part
            answers += found
        rates["llama.cpp"].append(tokens / seconds)
    medians = {name: statistics.median(each) for name, each in rates.items()}
    same = sum(a == b[: len(a)] for a, b in zip(same_as, answers))
    ratio = lambda name: f"{medians['llama.cpp'] / medians[name]:.2f}x"
    print(
        f"| {batch} | {medians['float32']:.0f} | {medians['bfloat16']:.0f} | {medians['llama.cpp']:.0f} "
        f"| {ratio('float32')} | {ratio('bfloat16')} | {GOAL}x | {same} of {len(rows)} |",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, required=True, help="folder that tools/real_model.py wrote")
    parser.add_argument("--gguf", type=pathlib.Path, help="its float16 GGUF file (default: MODEL-f16.gguf, made once)")
    parser.add_argument("--lethe", default=str(ROOT / "build/lethe"))
    parser.add_argument("--converter-python", default=str(ROOT / ".venv-oracle/bin/python"))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--alone", type=int, default=4, help="prompts that are answered one after the other in batch 1")
    parser.add_argument("--tokens", type=int, default=192, help="longest answer of the long run")
    parser.add_argument("--short", type=int, default=16, help="longest answer of the short run")
    args = parser.parse_args()
    args.gguf = args.gguf or args.model.with_name(args.model.name + "-f16.gguf")
    if not args.gguf.exists():
        convert(args.model, args.gguf, "f16", args.converter_python)
    print(f"Decoding, tokens a second; {args.threads} threads, medians of {args.rounds} rounds\n")
    print("| batch | Lethe, float32 | Lethe, bfloat16 | llama.cpp, float16 GGUF | llama.cpp / float32 | / bfloat16 | goal "
          "| same as float32 |\n|---:|---:|---:|---:|---:|---:|---:|---:|")  # fmt: skip
    for batch in args.batches:
        with tempfile.TemporaryDirectory() as folder:
            measure(args, batch, pathlib.Path(folder))


if __name__ == "__main__":
    main()
