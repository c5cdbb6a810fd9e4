#!/usr/bin/env python3
"""Checks the structure of src/: the order of the folders, no circles, no folder much larger than the others.

  check_layers.py         fails on an #include that points up the list, on a circle of folders or files, on a large folder
  check_layers.py --draw  writes the table in docs/design.md: each folder, what it holds, what it stands on
"""
import collections
import pathlib
import re
import sys

# From the lowest layer up: a folder may include only the folders before it. Each has one line on what it holds.
LAYERS = {
    "core": "errors, files, JSON, random streams, interrupts, messages, the terminal",
    "ranks": "the processes of one run: who they are, what they exchange, how one that is lost is noticed",
    "report": "tables, plots, the HTML page",
    "formats": "safetensors, checkpoint and adapter folders",
    "architectures": "each model family's config.json as a `DecoderSpec` or `EncoderSpec`, without tensors",
    "jinja": "an interpreter of chat templates",
    "tokenizers": "tokenizer.json, SentencePiece, GPT-2's and BERT's files",
    "prompts": "prompt templates and chat templates",
    "data": "readers, layouts of rows, filters, pairs, questions, splits, samplers",
    "web": "HTTP requests; the Hugging Face Hub: downloads into its cache, uploads",
    "kernels": "our own loops over plain memory",
    "tensors": "tensors of files as LibTorch's, device, memory, threads (from here up with LibTorch)",
    "vectors": "task arithmetic on files: negate, merge, extract, combine",
    "nn": "attention, norms, linear maps, losses over the vocabulary",
    "models": "one decoder, encoders, LoRA, loading",
    "generation": "decoding with a key/value cache",
    "objectives": "losses of SKU and of the other methods; packing",
    "training": "optimizer, schedule, loop, divergence guard, snapshots",
    "metrics": "perplexity, ROUGE, BLEU, BLEURT, multiple choice, intervals and tests",
    "judges": "judges of harm: classifier, guard model, endpoint, refusal phrases",
    "recipe": "the settings of a run: keys, defaults, checks",
    "evaluation": "prompt sets, figures, comparison, judge checks, verdict, the report's content",
    "benchmarks": "TOFU, MUSE, WMDP, MMLU: their files, figures and pages",
    "runs": "unlearn, finetune, evaluate, rerun; their stages; the run folder",
    "attacks": "what survives an attacker: relearning, quantization, prompts and others, and their page",
    "demo": "the embedded model and its fictional world",
    "experiments": "reproduce, sweep and tune: many runs compared",
    "server": "OpenAI's API and the page over models in memory",
    "cli": "one file for each subcommand: parse, call a run, print",
}
LARGEST_SHARE = 0.12  # of the lines of src/
SOURCE = pathlib.Path(__file__).resolve().parent.parent / "src"
NAMES = list(LAYERS)
DESIGN = SOURCE.parent / "docs" / "design.md"
HEADING = "| folder | what it holds | stands on |"


def read_source():
    """Includes within src/ as (including file, line number, included unit), and the lines of each unit.

    A unit is a header with its sources: "core/files".
    """
    includes, lines = [], collections.Counter()
    for path in sorted(SOURCE.rglob("*")):
        if path.suffix not in (".h", ".cpp", ".S") or path.parent == SOURCE:
            continue
        name = path.relative_to(SOURCE)
        text = path.read_text(encoding="utf-8").splitlines()
        lines[str(name.with_suffix(""))] += len(text)
        for number, line in enumerate(text, 1):
            match = re.match(r'\s*#include "([a-z_]+/[a-z0-9_]+)\.h"', line)
            if match:
                includes.append((name, number, match.group(1)))
    return includes, lines


def circles(graph):
    """The strongly connected components of more than one node (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            component = stack[stack.index(node):]
            del stack[stack.index(node):]
            if len(component) > 1:
                found.append(sorted(component))

    for node in list(graph):
        if node not in index:
            visit(node)
    return found


def draw(folders):
    """The table of folders. "Stands on" lists the folders that it includes, except those that another of them already
    stands on."""

    def beneath(folder):
        return set().union(*({below} | beneath(below) for below in folders[folder]))

    lines = [HEADING, "|---|---|---|"]
    for folder in reversed(NAMES):
        hidden = set().union(*(beneath(below) for below in folders[folder]))
        tops = [name for name in reversed(NAMES) if name in folders[folder] - hidden]
        lines.append(f"| {folder} | {LAYERS[folder]} | {', '.join(tops) or '-'} |")
    return "\n".join(lines)


def main():
    includes, lines = read_source()
    mistakes = []
    folders, units = collections.defaultdict(set), collections.defaultdict(set)
    for name, number, included in includes:
        layer, other = name.parts[0], included.split("/")[0]
        unknown = [folder for folder in (layer, other) if folder not in LAYERS]
        if unknown:
            mistakes.append(f"src/{name}:{number}: {unknown[0]}/ is not in the list of layers (tools/check_layers.py)")
            continue
        if NAMES.index(other) > NAMES.index(layer):
            mistakes.append(f"src/{name}:{number}: {layer}/ must not include {other}/")
        if other != layer:
            folders[layer].add(other)
        if included != str(name.with_suffix("")):
            units[str(name.with_suffix(""))].add(included)
    for graph in (folders, units):
        for node in {other for others in graph.values() for other in others}:
            graph[node] |= set()
        mistakes += ["a circle: " + " <-> ".join(circle) for circle in circles(graph)]
    total, shares = sum(lines.values()), collections.Counter()
    for unit, count in lines.items():
        shares[unit.split("/")[0]] += count / total
    for folder, share in shares.items():
        if share > LARGEST_SHARE:
            mistakes.append(f"src/{folder} holds {share:.0%} of the lines (at most {LARGEST_SHARE:.0%}): split it")
    drawn = draw(folders)
    text = DESIGN.read_text(encoding="utf-8")
    begin, end = text.index(HEADING), text.index("\n\n", text.index(HEADING))
    if "--draw" in sys.argv:
        DESIGN.write_text(text[:begin] + drawn + text[end:], encoding="utf-8")
    elif text[begin:end] != drawn:
        mistakes.append("docs/design.md: the table of folders is not that of src/: tools/check_layers.py --draw")
    largest, share = shares.most_common(1)[0]
    print("\n".join(mistakes) or f"layers: {len(LAYERS)} in order, no circle; the largest is {largest} with {share:.0%}")
    return bool(mistakes)


sys.exit(main())
