#!/usr/bin/env python3
"""Compares lethe with the `tokenizers` library: random pipelines of tokenizer.json on random texts. Prints differences.

    .venv-oracle/bin/python tools/fuzz_tokenizers.py --lethe build/lethe --seed 1 --rounds 40
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parent / "fixtures"))
import tokenization as fixtures

from tokenizers import Tokenizer

PATTERNS = [r"\s+", r"\d{1,3}", r"(?=[A-Z])", r"\w+", r"[^\w\s]", r"(?i)[aeiou]+", r"\b", r"x*", r"[\p{L}&&[^a-f]]+", r"[[a-c][0-9]]", r"\h+", r"^\s*", r".$", r"(?m:.{3})",
            r"(?<=\d)(?=\D)", r"\p{M}+", r"[^\S\n]+", r"[\W_]+", r"\p{Lu}\p{Ll}*", r"\u0061|\x62", r"(?:s|the)\B", r"a{,2}", r"(\d)\1", r" ?\p{N}", fixtures.LLAMA3, r"\p{Han}|\p{Hangul}", r"[[:punct:]]", r"[[:alpha:]]+", r"\S\Z"]  # no \\X: it depends on each library's Unicode version
STRINGS = [" ", "a", "the", "e\u0301", "ab", "▁", "."]
BEHAVIOURS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]


def pattern(draw):
    return {"Regex": draw.choice(PATTERNS)} if draw.random() < 0.7 else {"String": draw.choice(STRINGS)}


def flag(draw):
    return draw.random() < 0.5


def normalizer(draw):
    kind = draw.choice(["NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "Strip", "Prepend", "Replace", "Replace", "BertNormalizer", "charsmap", "Sequence", "Sequence"])
    if kind == "charsmap":
        return "charsmap"
    if kind == "Strip":
        return {"type": kind, "strip_left": flag(draw), "strip_right": flag(draw)}
    if kind == "Prepend":
        return {"type": kind, "prepend": draw.choice(["▁", "ab", "é"])}
    if kind == "Replace":
        return {"type": kind, "pattern": pattern(draw), "content": draw.choice(["", "▁", "xy", " ", "é"])}
    if kind == "BertNormalizer":
        return {"type": kind, "clean_text": flag(draw), "handle_chinese_chars": flag(draw), "strip_accents": draw.choice([None, True, False]), "lowercase": flag(draw)}
    if kind == "Sequence":
        return {"type": kind, "normalizers": [normalizer(draw) for _ in range(draw.randint(1, 3))]}
    return {"type": kind}


def pre_tokenizer(draw):
    kind = draw.choice(["ByteLevel", "Metaspace", "Split", "Split", "Split", "Digits", "Punctuation", "Whitespace", "WhitespaceSplit", "BertPreTokenizer", "CharDelimiterSplit", "Sequence", "Sequence"])
    if kind == "ByteLevel":
        return {"type": kind, "add_prefix_space": flag(draw), "trim_offsets": True, "use_regex": flag(draw)}
    if kind == "Metaspace":
        return {"type": kind, "replacement": "▁", "prepend_scheme": draw.choice(["always", "first", "never"]), "split": flag(draw)}
    if kind == "Split":
        return {"type": kind, "pattern": pattern(draw), "behavior": draw.choice(BEHAVIOURS), "invert": flag(draw)}
    if kind == "Digits":
        return {"type": kind, "individual_digits": flag(draw)}
    if kind == "Punctuation":
        return {"type": kind, "behavior": draw.choice(BEHAVIOURS)}
    if kind == "CharDelimiterSplit":
        return {"type": kind, "delimiter": draw.choice("a-_ é")}
    if kind == "Sequence":
        return {"type": kind, "pretokenizers": [pre_tokenizer(draw) for _ in range(draw.randint(1, 3))]}
    return {"type": kind}


def decoder(draw):
    kind = draw.choice(["ByteLevel", "ByteFallback", "Metaspace", "WordPiece", "BPEDecoder", "CTC", "Replace", "Strip", "Fuse", "Sequence", "Sequence"])
    more = {"ByteLevel": {"add_prefix_space": True, "trim_offsets": True, "use_regex": True}, "Metaspace": {"replacement": "▁", "prepend_scheme": draw.choice(["always", "first", "never"]), "split": True},
            "WordPiece": {"prefix": draw.choice(["##", "a"]), "cleanup": flag(draw)}, "BPEDecoder": {"suffix": draw.choice(["</w>", "e"])},
            "CTC": {"pad_token": draw.choice(["<s>", "a"]), "word_delimiter_token": draw.choice(["|", "s"]), "cleanup": flag(draw)},
            "Replace": {"pattern": {"String": draw.choice(STRINGS)}, "content": draw.choice(["", " ", "xy"])}, "Strip": {"content": draw.choice(" ae▁"), "start": draw.randint(0, 3), "stop": draw.randint(0, 2)}}
    if kind == "Sequence":
        return {"type": kind, "decoders": [decoder(draw) for _ in range(draw.randint(1, 3))]}
    return {"type": kind, **more.get(kind, {})}


def post_processor(draw, ids):
    a, b = draw.sample(sorted(ids), 2)
    kind = draw.choice(["ByteLevel", "BertProcessing", "RobertaProcessing", "TemplateProcessing", "Sequence"])
    if kind == "ByteLevel":
        return {"type": kind, "add_prefix_space": flag(draw), "trim_offsets": flag(draw), "use_regex": True}
    if kind == "BertProcessing":
        return {"type": kind, "sep": [a, ids[a]], "cls": [b, ids[b]]}
    if kind == "RobertaProcessing":
        return {"type": kind, "sep": [a, ids[a]], "cls": [b, ids[b]], "trim_offsets": flag(draw), "add_prefix_space": flag(draw)}
    if kind == "TemplateProcessing":
        special = {t: {"id": t, "ids": [ids[t], ids[a]][:draw.randint(1, 2)], "tokens": [t, a]} for t in (a, b)}
        for each in special.values():
            each["tokens"] = each["tokens"][:len(each["ids"])]
        single = fixtures.template(draw.choice(["X:0 $A:0", "X:0 $A:0 Y:0", "$A:0 Y:1"]), "$A:0 $B:1", [])
        return {**json.loads(json.dumps(single).replace('"X"', json.dumps(a)).replace('"Y"', json.dumps(b))), "special_tokens": special}
    return {"type": kind, "processors": [{"type": "ByteLevel", "add_prefix_space": flag(draw), "trim_offsets": True, "use_regex": True}, post_processor_of(draw, ids)]}


def post_processor_of(draw, ids):
    while True:
        found = post_processor(draw, ids)
        if found["type"] != "Sequence":
            return found


def pipeline(draw, base):
    """The tokenizer.json of a fixture with a random pipeline and random added tokens."""
    spec = json.loads(json.dumps(base))
    vocab = spec["model"]["vocab"]
    ids = dict(vocab) if isinstance(vocab, dict) else {t: i for i, (t, _) in enumerate(vocab)}
    added = [t for t in spec["added_tokens"] if not flag(draw) or t["content"] in ids]
    size = max([*ids.values(), *(t["id"] for t in added)]) + 1
    for content in draw.sample(["cat", "CAT", "é", " a", "  ", "the", "<x>", "\n", "ﬁ", "1", "日本", "▁▁", "İ"], 4):
        if content not in ids and content not in {t["content"] for t in added}:
            added.append({"id": size, **fixtures.special(content)})
            size += 1
    for token in added:
        token.update({key: draw.random() < 0.3 for key in ("single_word", "lstrip", "rstrip", "normalized")}, special=flag(draw))
    spec["added_tokens"] = sorted(added, key=lambda t: t["id"])
    spec["normalizer"] = fixtures.fill(normalizer(draw), {}) if draw.random() < 0.8 else None
    spec["pre_tokenizer"] = pre_tokenizer(draw) if draw.random() < 0.8 else None
    spec["decoder"] = decoder(draw) if draw.random() < 0.8 else None
    spec["post_processor"] = post_processor(draw, ids) if draw.random() < 0.7 else None
    return spec


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lethe", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--texts", type=int, default=60)
    args = parser.parse_args()
    table = fixtures.charsmap()
    fixtures.charsmap = lambda: table
    bases = [json.loads(p.read_text(encoding="utf-8")) for p in sorted(fixtures.OUT.glob("*/tokenizer.json"))]
    wrong = compared = 0
    for seed in range(args.seed, args.seed + args.rounds):
        draw = random.Random(seed)
        spec = pipeline(draw, draw.choice(bases))
        try:
            tokenizer = Tokenizer.from_str(json.dumps(spec))
        except Exception as error:
            print(f"seed {seed}: the library refuses it: {str(error)[:150]}")
            continue
        rows = []
        for text in fixtures.texts(seed, args.texts, fixtures.WORDS + 2 * [t["content"] for t in spec["added_tokens"]]):
            try:
                rows.append(fixtures.answer(tokenizer, text))
            except BaseException:  # the library panics, or has no token for it
                continue
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "tokenizer.json").write_text(json.dumps(spec), encoding="utf-8")
            (folder / "rows.jsonl").write_text("".join(json.dumps({"text": r["text"]}) + "\n" for r in rows), encoding="utf-8")
            done = subprocess.run([args.lethe, "tokenize", "--model", str(folder), "--input", str(folder / "rows.jsonl"), "--json"], capture_output=True, text=True)
        if done.returncode != 0:
            print(f"seed {seed}: {done.stderr.strip()[:300]}\n    {describe(spec)}")
            wrong += 1
            continue
        for row, line in zip(rows, done.stdout.split("\n")):
            found = json.loads(line)
            compared += 1
            for key, theirs in (("ids", row["ids"]), ("offsets", row["offsets"]), ("text", row["decoded"])):
                if found[key] != theirs:
                    at = next((i for i, (a, b) in enumerate(zip(found[key], theirs)) if a != b), -1)
                    print(f"seed {seed}: {key} of {ascii(row['text'])[:150]} at {at}\n    found  {ascii(found[key])[:220]}\n    wanted {ascii(theirs)[:220]}\n    {describe(spec)}")
                    wrong += 1
                    break
            else:
                continue
            break  # one difference per pipeline is enough
    print(f"{compared} texts compared, {wrong} pipelines differ")
    return wrong > 0


def describe(spec):
    parts = {k: spec[k] for k in ("normalizer", "pre_tokenizer", "decoder", "post_processor")}
    text = json.dumps({"model": spec["model"]["type"], **parts, "added": [[t["content"], *(k for k in t if t[k] is True)] for t in spec["added_tokens"]]}, ensure_ascii=True)
    return text[:1500]


if __name__ == "__main__":
    raise SystemExit(main())
