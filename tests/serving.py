#!/usr/bin/env python3
"""Tests `lethe serve` with real clients: the package openai, and lm-evaluation-harness, whose accuracy through the server
must be that of its own hf backend on the same model. No network.

Needs .venv-harness, which `make clients` installs, and the small model of --data; ends with 77 (skipped) without them.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv-harness/bin/python"
CHAT = "{{ bos_token }}{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}"


class Server:
    """lethe serve, until the end of the block."""

    def __init__(self, lethe, models, key=None):
        self.command = [lethe, "serve", *models, "--port", "0", "--api-only", "--quiet", "--threads", "1"]
        self.environment = dict(os.environ)
        if key:
            self.command += ["--key-env", "SERVING_KEY"]
            self.environment["SERVING_KEY"] = key

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True, env=self.environment)
        self.url = self.process.stdout.readline().strip() + "/v1"
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.status = self.process.wait(timeout=30)


class OpenAI(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        import openai
        cls.server = Server(ARGS.lethe, [f"tiny={MODEL}"], key="sk-test")
        cls.server.__enter__()
        cls.client = openai.OpenAI(base_url=cls.server.url, api_key="sk-test", max_retries=0)

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        assert cls.server.status == 130, cls.server.status

    def test_completions_whole_and_streamed_are_the_same(self):
        settings = dict(model="tiny", prompt="Once upon a time", max_tokens=24, temperature=0)
        whole = self.client.completions.create(**settings)
        self.assertGreater(len(whole.choices[0].text), 10)
        self.assertEqual(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens)
        pieces = list(self.client.completions.create(**settings, stream=True))
        self.assertGreater(len(pieces), 3)
        self.assertEqual("".join(piece.choices[0].text for piece in pieces), whole.choices[0].text)
        self.assertEqual(pieces[-1].choices[0].finish_reason, whole.choices[0].finish_reason)

    def test_log_probabilities_echo_and_several_answers(self):
        found = self.client.completions.create(model="tiny", prompt=["Once", "The dog"], max_tokens=3, temperature=1.1, n=2,
                                               seed=5, logprobs=2, echo=True)
        self.assertEqual([choice.index for choice in found.choices], [0, 1, 2, 3])
        for choice in found.choices:
            self.assertEqual(len(choice.logprobs.tokens), len(choice.logprobs.token_logprobs))
            self.assertIsNone(choice.logprobs.token_logprobs[0])
            self.assertTrue(choice.text.startswith("Once" if choice.index < 2 else "The dog"))
        again = self.client.completions.create(model="tiny", prompt=["Once", "The dog"], max_tokens=3, temperature=1.1, n=2,
                                               seed=5, logprobs=2, echo=True)
        self.assertEqual([c.text for c in again.choices], [c.text for c in found.choices])

    def test_chats_whole_and_streamed_are_the_same(self):
        settings = dict(model="tiny", messages=[{"role": "user", "content": "Tell me a story."}], max_tokens=20, temperature=0)
        whole = self.client.chat.completions.create(**settings, logprobs=True, top_logprobs=2)
        self.assertEqual(len(whole.choices[0].logprobs.content), whole.usage.completion_tokens)
        text = ""
        for chunk in self.client.chat.completions.create(**settings, stream=True, stream_options={"include_usage": True}):
            text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        self.assertEqual(text, whole.choices[0].message.content)
        self.assertEqual(chunk.usage.completion_tokens, whole.usage.completion_tokens)

    def test_models_and_errors_have_the_clients_types(self):
        import openai
        self.assertEqual([model.id for model in self.client.models.list()], ["tiny"])
        self.assertEqual(self.client.models.retrieve("tiny").id, "tiny")
        create = self.client.completions.create
        with self.assertRaises(openai.NotFoundError):
            create(model="other", prompt="a")
        with self.assertRaises(openai.BadRequestError) as caught:
            create(model="tiny", prompt="a", temperature=-1)
        self.assertEqual(caught.exception.param, "temperature")
        with self.assertRaises(openai.AuthenticationError):
            openai.OpenAI(base_url=self.server.url, api_key="sk-wrong", max_retries=0).models.list()


def write_tasks(folder):
    """A multiple-choice task and a task of generated answers, from made-up rows."""
    random.seed(3)
    words = "dog cat tree ball house boat bird cake bear car".split()
    rows = []
    for i in range(40):
        chosen = random.sample(words, 3)
        rows.append({"question": f"Once upon a time there was a {chosen[i % 3]}. The", "label": i % 3, "answer": chosen[i % 3],
                     "choices": [f"{word} was very happy." for word in chosen]})
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    common = f"dataset_path: json\ndataset_kwargs:\n  data_files:\n    test: {folder / 'rows.jsonl'}\ntest_split: test\n"
    (folder / "choice.yaml").write_text(
        "task: lethe_choice\noutput_type: multiple_choice\n" + common +
        'doc_to_text: "{{question}}"\ndoc_to_target: label\ndoc_to_choice: choices\n'
        "metric_list:\n  - metric: acc\n  - metric: acc_norm\n")
    (folder / "words.yaml").write_text(
        "task: lethe_words\noutput_type: generate_until\n" + common +
        'doc_to_text: "{{question}}"\ndoc_to_target: "{{answer}}"\n'
        "generation_kwargs:\n  until: [\".\", \"\\n\"]\n  max_gen_toks: 12\n  do_sample: false\n  temperature: 0\n"
        "metric_list:\n  - metric: exact_match\n    aggregation: mean\n    higher_is_better: true\n")


class Harness(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tasks = pathlib.Path(WORK) / "tasks"
        cls.tasks.mkdir()
        write_tasks(cls.tasks)
        cls.server = Server(ARGS.lethe, [f"tiny={MODEL}"])
        cls.server.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def evaluated(self, model, arguments, tasks, **more):
        import lm_eval
        from lm_eval.tasks import TaskManager
        manager = TaskManager(include_path=str(self.tasks), include_defaults=False)
        found = lm_eval.simple_evaluate(model=model, model_args=arguments, tasks=tasks, task_manager=manager, batch_size=4,
                                        bootstrap_iters=0, log_samples=True, **more)
        # Figures, and what each row was answered.
        answers = {task: [row["filtered_resps"] for row in sorted(rows, key=lambda row: row["doc_id"])]
                   for task, rows in found["samples"].items()}
        return {task: {k: v for k, v in figures.items() if isinstance(v, float) and "stderr" not in k}
                for task, figures in found["results"].items()}, answers

    def test_completions_have_the_accuracy_of_the_hf_backend(self):
        names = ["lethe_choice", "lethe_words"]
        wanted, wanted_rows = self.evaluated("hf", f"pretrained={MODEL},dtype=float32,device=cpu,add_bos_token=True", names)
        server = f"model=tiny,base_url={self.server.url}/completions,tokenizer={MODEL},tokenizer_backend=huggingface,add_bos_token=True"
        for arguments in (server + ",num_concurrent=1", server + ",num_concurrent=8,max_retries=1"):
            found, rows = self.evaluated("local-completions", arguments, names)
            self.assertEqual(found, wanted)
            self.assertEqual(rows["lethe_words"], wanted_rows["lethe_words"])
            for one, other in zip(rows["lethe_choice"], wanted_rows["lethe_choice"]):
                for (mine, greedy), (theirs, their_greedy) in zip(one, other):
                    self.assertAlmostEqual(float(mine), float(theirs), delta=1e-3)
                    self.assertEqual(str(greedy), str(their_greedy))
        print("lm-evaluation-harness, hf and local-completions:", json.dumps(wanted))

    def test_chats_have_the_accuracy_of_the_hf_backend(self):
        wanted, wanted_rows = self.evaluated("hf", f"pretrained={MODEL},dtype=float32,device=cpu", ["lethe_words"],
                                             apply_chat_template=True)
        found, rows = self.evaluated("local-chat-completions",
                                     f"model=tiny,base_url={self.server.url}/chat/completions,num_concurrent=1",
                                     ["lethe_words"], apply_chat_template=True)
        self.assertEqual(found, wanted)
        self.assertEqual(rows, wanted_rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lethe", default=str(ROOT / "build/lethe"))
    parser.add_argument("--data", default=str(ROOT / "../shared/data"))
    parser.add_argument("--only", help="a test of unittest, such as Harness")
    ARGS = parser.parse_args()
    tiny = pathlib.Path(ARGS.data) / "models/TinyStories-656K"
    if not (ROOT / ".venv-harness/.installed").exists() or not tiny.exists():
        print("skipped: needs `make clients`, and the model", tiny)
        sys.exit(77)
    if pathlib.Path(sys.prefix).resolve() != PYTHON.parent.parent.resolve():
        os.execv(PYTHON, [str(PYTHON), __file__, *sys.argv[1:]])
    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TRANSFORMERS_OFFLINE="1", OPENAI_API_KEY="none",
                      TOKENIZERS_PARALLELISM="false")
    with tempfile.TemporaryDirectory() as WORK:
        os.environ["HF_HOME"] = WORK
        MODEL = pathlib.Path(WORK) / "tiny"
        shutil.copytree(tiny, MODEL)
        for file in MODEL.iterdir():
            file.chmod(0o644)
        (MODEL / "chat_template.jinja").write_text(CHAT)
        program = unittest.main(argv=[sys.argv[0], *([ARGS.only] if ARGS.only else [])], exit=False, verbosity=1)
    sys.exit(0 if program.result.wasSuccessful() else 1)
