"""Writes the results of tools/gpu/run.py as gpu.json and as the tables of gpu.md."""

import json

ROWS = {
    "lora": ("LoRA rank 32", "peer_lora", "24 GB, 50%"),
    "lora_nf4": ("LoRA rank 32, NF4, recompute", None, "8 GB"),
    "full": ("all weights", "peer_full", "40 GB"),
}


def gigabytes(size):
    return f"{size / 1e9:.1f}" if size else ""


def ratio(ours, theirs):
    return f"{ours / theirs:.2f}x" if ours and theirs else ""


def percent(share):
    return f"{share:.0%}" if share else ""


def trainings(steps):
    yield "| training | model | s/step | tokens/s | share of the matmul rate | tensors, GB | card, GB | goal | peer s/step | speed |"
    yield "|---|---|---:|---:|---:|---:|---:|---|---:|---:|"
    for name, (title, peer, goal) in ROWS.items():
        found = steps.get(name, {})
        if "step_s" not in found:
            continue
        other = steps.get(peer, {}).get("step_s")
        cells = [
            title,
            found["model"],
            f"{found['step_s']:.4f}",
            f"{found['tokens_s']:,.0f}",
            percent(found["rate_share"]),
            gigabytes(found.get("tensor_bytes")),
            gigabytes(found["card_bytes"]),
            goal,
            f"{other:.4f}" if other else "",
            ratio(other, found["step_s"]),
        ]
        yield "| " + " | ".join(cells) + " |"


def decodings(steps):
    yield "| rows at a time | tokens | tokens/s | card, GB | transformers, tokens/s | speed (goal 2x) |"
    yield "|---:|---:|---:|---:|---:|---:|"
    peer = {entry["rows"]: entry["tokens_s"] for entry in steps.get("peer_decoding", {}).get("rates", [])}
    for name, found in steps.items():
        if not name.startswith("decoding_") or "tokens_s" not in found:
            continue
        other = peer.get(found["rows"])
        cells = [
            str(found["rows"]),
            f"{found['tokens']:,}",
            f"{found['tokens_s']:,}",
            gigabytes(found["card_bytes"]),
            f"{other:,.0f}" if other else "",
            ratio(found["tokens_s"], other),
        ]
        yield "| " + " | ".join(cells) + " |"


def page(results):
    machine, steps = results["machine"], results["steps"]
    what = "Rehearsal on the CPU, small shapes" if machine["dry"] else machine["card"]
    yield f"{what}, driver {machine['driver'] or 'none'}, {machine['dtype']}, {machine['cores']} cores, {machine['date']}."
    tests, rates = steps.get("tests", {}), steps.get("rates", {})
    if "passed" in tests:
        yield (
            f"Tests: {tests['passed']} passed, {tests['skipped']} skipped, {len(tests['failed'])} failed"
            + "".join(f"\n* failed: {name}" for name in tests["failed"])
            + "."
        )
    if "flops" in rates:
        yield f"One large matrix product: {rates['flops'] / 1e12:,.3g} TFLOP/s; a copy: {rates['bytes_s'] / 1e9:,.0f} GB/s (torch {rates['torch']})."
    yield ""
    yield from trainings(steps)
    yield ""
    yield from decodings(steps)
    problems = [(name, found["failure"]) for name, found in steps.items() if "failure" in found]
    if problems:
        yield "\nNot measured:\n"
        for name, failure in problems:
            yield f"* {name}: " + " ".join(failure.split())[:400]


def write(folder, results):
    for name, text in (("gpu.json", json.dumps(results, indent=1)), ("gpu.md", "\n".join(page(results)) + "\n")):
        partial = folder / (name + ".partial")
        partial.write_text(text)
        partial.rename(folder / name)
