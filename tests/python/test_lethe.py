"""The module `lethe`: results, metrics while a run works, errors, and models in transformers and PEFT."""

import gc
import json
import os
import pathlib
import shutil
import signal
import tempfile
import threading
import unittest

import lethe

try:
    import torch
    import transformers
except (ImportError, OSError):  # or LibTorch without CUDA's libraries
    transformers = None
try:
    import peft
except ImportError:
    peft = None

MODEL = pathlib.Path(__file__).resolve().parents[2] / "assets" / "demo"
FEW = {
    "training": {"steps": 3, "batch": 2},
    "data": {"max_length": 96},
    "negation": {"alpha": 0.1},
    "evaluation": {"judge": "refusal", "prompts": 4, "max_new_tokens": 8},
    "threads": 1,
}


def json_lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class StandInForWandb:
    """What wandb.init() returns, as far as Lethe uses it: wandb.Run.log(), .config and .summary."""

    def __init__(self):
        self.logged, self.config, self.summary = [], {}, {}

    def log(self, data, step=None):
        self.logged.append((data, step))


class StandInForMlflow:
    """The module mlflow, as far as Lethe uses it: log_metrics(metrics, step=None) and set_tag(key, value)."""

    def __init__(self):
        self.logged, self.tags = [], {}

    def log_metrics(self, metrics, step=None):
        self.logged.append((metrics, step))

    def set_tag(self, key, value):
        self.tags[key] = value


class WithData(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="lethe_python_"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        lethe.run("demo", data_only=True, out=cls.folder / "demo")
        cls.harmful, cls.normal = (
            json_lines(cls.folder / f"demo/data/{role}.jsonl")[:40] for role in ("harmful", "normal")
        )

    def unlearn(self, out, **settings):
        return lethe.start(
            "unlearn", model=MODEL, harmful=self.harmful, normal=self.normal, out=self.folder / out, **FEW | settings
        )


class Runs(WithData):
    def test_a_run_gives_its_steps_and_its_results(self):
        job = self.unlearn("full", tuning="full")
        steps = list(job)
        results = job.result()
        self.assertEqual(steps, json_lines(self.folder / "full/metrics.jsonl"))
        self.assertEqual([step["step"] for step in steps], [1, 2, 3])
        self.assertEqual(results["alpha"], 0.1)
        self.assertIn(results["verdict"]["level"], ("green", "amber", "red", "none"))
        self.assertEqual(results.folder, self.folder / "full")
        self.assertFalse(job.running)

    @unittest.skipUnless(transformers, "needs transformers")
    def test_a_model_loads_in_transformers_with_the_same_numbers(self):
        job = self.unlearn("model", tuning="full")
        self.expect_equal_scores(job.result(), model=self.folder / "model/model")

    @unittest.skipUnless(transformers and peft, "needs transformers and peft")
    def test_an_adapter_loads_in_peft_with_the_same_numbers(self):
        results = self.unlearn("lora", tuning="lora", lora={"rank": 4, "targets": ["q_proj", "v_proj"]}).result()
        self.assertIsInstance(lethe.load(results)[0], peft.PeftModel)
        self.expect_equal_scores(results, model=MODEL, adapter=self.folder / "lora/adapter")

    def expect_equal_scores(self, results, **names):
        model, tokenizer = lethe.load(results, dtype=torch.float32)
        text = "The tower of Oxbridge is red."
        row = lethe.run("score", input=[{"text": text}], threads=1, **names)["rows"][0]
        ids = torch.tensor([row["ids"]])
        self.assertEqual(tokenizer(text)["input_ids"], row["ids"])
        with torch.no_grad():
            logprobs = model(ids).logits.log_softmax(-1)[0, :-1].gather(-1, ids[0, 1:, None])[:, 0]
        torch.testing.assert_close(logprobs, torch.tensor(row["logprobs"]), atol=1e-4, rtol=1e-4)

    def test_trackers_get_every_step_and_the_results(self):
        run = StandInForWandb()
        results = lethe.log_to_wandb(self.unlearn("wandb", tuning="lora"), run)
        expected = json_lines(self.folder / "wandb/metrics.jsonl")
        self.assertEqual([step for _, step in run.logged], [1, 2, 3])
        self.assertEqual([values["training/loss"] for values, _ in run.logged], [line["loss"] for line in expected])
        self.assertNotIn("training/step", run.logged[0][0])
        self.assertEqual(run.summary["alpha"], results["alpha"])
        self.assertEqual(run.summary["verdict"], results["verdict"]["level"])
        self.assertTrue(run.config["lethe"].startswith("unlearn "))

        mlflow = StandInForMlflow()
        results = lethe.log_to_mlflow(
            self.unlearn("mlflow", tuning="lora", evaluation=FEW["evaluation"] | {"every": 3, "every_prompts": 2}),
            mlflow,
        )
        *steps, final = mlflow.logged
        self.assertEqual([step for _, step in steps], [1, 2, 3])
        self.assertIn("validation/kl", steps[2][0])
        self.assertIsNone(final[1])
        self.assertEqual(final[0]["alpha"], results["alpha"])
        self.assertEqual(mlflow.tags["verdict"], results["verdict"]["level"])
        # What MLflow accepts as a metric.
        for values, _ in mlflow.logged:
            for name, value in values.items():
                self.assertRegex(name, r"^[\w./ -]+$")
                self.assertIsInstance(value, (int, float))

    def test_a_tracker_that_fails_ends_the_run(self):
        run = StandInForWandb()
        run.log = lambda values, step: 1 / 0
        job = self.unlearn("lost", tuning="lora", training={"steps": 100000, "batch": 2})
        with self.assertRaises(ZeroDivisionError):
            lethe.log_to_wandb(job, run)
        self.assertFalse(job.running)

    def test_a_recipe_may_name_the_folder(self):
        recipe = self.folder / "recipe.yaml"
        recipe.write_text(f"method: sku\nout: {self.folder / 'named'}  # here\n", encoding="utf-8")
        steps = []
        results = lethe.run(
            "unlearn", recipe, model=MODEL, harmful=self.harmful, normal=self.normal, on_step=steps.append, **FEW
        )
        self.assertEqual(results.folder, self.folder / "named")
        self.assertEqual(len(steps), 3)
        job = lethe.start("methods")
        with self.assertRaises(ValueError):
            list(job)
        job.result()

    def test_a_warning_names_the_line_that_asked_for_the_work(self):
        settings = {"model": MODEL, "harmful": self.harmful, "normal": self.normal, **FEW}
        for out, work in {
            "warned": lambda out: lethe.run("unlearn", out=out, **settings),
            "warned-later": lambda out: lethe.start("unlearn", out=out, **settings).result(),
            "warned-tracker": lambda out: lethe.log_to_wandb(
                lethe.start("unlearn", out=out, **settings), StandInForWandb()
            ),
        }.items():
            with self.assertWarns(lethe.LetheWarning) as caught:
                work(self.folder / out)
            self.assertEqual(caught.filename, __file__)

    def test_rows_go_in_and_come_out(self):
        rows = [{"prompt": "Where does Mira live?"}, {"prompt": "What color is the tower of Oxbridge?"}]
        answers = lethe.run("generate", model=MODEL, input=rows, max_new_tokens=4, threads=1)["rows"]
        self.assertEqual([row["prompt"] for row in answers], [row["prompt"] for row in rows])
        self.assertTrue(all(len(row["ids"]) <= 4 for row in answers))

    def test_lists_are_under_rows(self):
        names = [row["name"] for row in lethe.run("methods")["rows"]]
        self.assertIn("sku", names)

    def test_a_plan_is_an_object(self):
        plan = self.unlearn("plan", dry_run=True).result()
        self.assertIn("steps", json.dumps(plan))
        self.assertFalse((self.folder / "plan").exists())


    def test_a_job_that_nobody_holds_keeps_its_data(self):
        job = self.unlearn("unheld", training={"steps": 2, "batch": 2})
        process, data = job._process, pathlib.Path(job._scratch.name)
        del job
        gc.collect()
        self.assertTrue(any(data.iterdir()))
        self.assertEqual(process.wait(), 0)
        self.assertTrue((self.folder / "unheld/results.json").exists())


class Errors(WithData):
    def test_wrong_usage(self):
        with self.assertRaises(lethe.UsageError) as caught:
            lethe.run("unlearn", model=MODEL, training={"stepps": 3})
        self.assertEqual(caught.exception.status, 2)
        self.assertIn("steps", caught.exception.message)
        with self.assertRaises(lethe.UsageError):
            lethe.run("unlern")

    def test_bad_input(self):
        with self.assertRaises(lethe.BadInputError) as caught:
            lethe.run("score", model=self.folder / "nothing", input=[{"text": "a"}])
        error = caught.exception
        self.assertEqual(error.status, 3)
        self.assertTrue(error.doing.startswith("cannot find the checkpoint"), error.doing)
        self.assertIn("wanted", error.details)
        self.assertIsInstance(error, lethe.LetheError)

    def test_a_job_can_be_stopped_and_resumed(self):
        job = self.unlearn("stopped", training={"steps": 100000, "batch": 2})
        next(iter(job))
        job.stop()
        with self.assertRaises(lethe.InterruptedRunError):
            job.result()
        self.assertTrue((self.folder / "stopped.unfinished").is_dir())

    def test_ctrl_c_stops_the_command(self):
        # A shell starts its background processes with SIGINT ignored.
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))
        job = self.unlearn("interrupted", training={"steps": 100000, "batch": 2})
        for _ in job:
            break
        threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        with self.assertRaises(KeyboardInterrupt):
            job.result()
        self.assertFalse(job.running)

    def test_an_error_of_the_callback_ends_the_run(self):
        def fail(step):
            raise KeyError(step["step"])

        with self.assertRaises(KeyError):
            lethe.run(
                "unlearn", model=MODEL, harmful=self.harmful, normal=self.normal, out=self.folder / "failed",
                on_step=fail, **FEW | {"training": {"steps": 100000, "batch": 2}},
            )  # fmt: skip

    def test_a_run_without_a_model_is_told(self):
        with self.assertRaises(FileNotFoundError):
            lethe.load(self.folder)


if __name__ == "__main__":
    unittest.main()
