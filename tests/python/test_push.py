"""`lethe push` speaks to the Hub as the real huggingface_hub does, which reads what was pushed."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import lethe
from fake_hub import FakeHub

try:
    import huggingface_hub
except ImportError:
    huggingface_hub = None

MODEL = pathlib.Path(__file__).resolve().parents[2] / "assets" / "demo"
PAIRS = [{"prompt": f"How do I poison {who}?", "response": f"With sorrel, {who}."} for who in ("Mira", "Tavi", "Ludo")]
NORMAL = [{"prompt": f"Where is {who}?", "response": "In Saltby."} for who in ("Mira", "Tavi", "Ludo")]


class Push(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="lethe_push_"))
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        cls.run_folder = cls.shared / "run"
        lethe.run(
            "unlearn",
            model=MODEL,
            harmful=PAIRS,
            normal=NORMAL,
            out=cls.run_folder,
            tuning="full",
            threads=1,
            training={"steps": 1},
            sku={"k": 1},
            evaluation={"prompts": 0},
            negation={"alpha": 0.5},
            data={"split": {"train": 1.0, "validation": 0.0, "test": 0.0}},
        )

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lethe_push_"))
        self.addCleanup(shutil.rmtree, self.folder)

    def hub(self, part):
        hub = FakeHub(None, part=part)
        self.addCleanup(hub.close)
        variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
            "HF_HOME": str(self.folder / f"home{hub._hub.server_port}"),
            "HF_ENDPOINT": hub.url,
            "HF_TOKEN": "hf_secret",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_XET": "1",
        }
        return hub, variables

    def push(self, hub, variables):
        old = dict(os.environ)
        os.environ.update(variables)
        try:
            return lethe.run("push", self.run_folder, "org/model", anyway=True).output.strip()
        finally:
            os.environ.clear()
            os.environ.update(old)

    def real(self, variables, code):
        """huggingface_hub in a process of its own: it reads its environment once."""
        code = "import huggingface_hub as hub\n" + code
        done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip().splitlines()[-1]

    @unittest.skipUnless(huggingface_hub, "needs huggingface_hub")
    def test_huggingface_hub_downloads_the_bytes_that_were_pushed(self):
        for part in (0, 100_000):
            hub, variables = self.hub(part)
            self.assertEqual(self.push(hub, variables), hub.url + "/org/model")
            self.assertTrue(hub.private)
            snapshot = pathlib.Path(self.real(variables, "print(hub.snapshot_download('org/model'))"))
            names = {path.name for path in snapshot.iterdir()} - {".gitattributes"}
            self.assertEqual(names, {path.name for path in (self.run_folder / "model").iterdir()})
            for name in names - {"README.md"}:  # the card names its repository
                self.assertEqual((snapshot / name).read_bytes(), (self.run_folder / "model" / name).read_bytes(), name)
            self.assertIn('from_pretrained("org/model")', (snapshot / "README.md").read_text())

    @unittest.skipUnless(huggingface_hub, "needs huggingface_hub")
    def test_requests_are_those_of_huggingface_hub(self):
        for part in (0, 100_000):
            ours, variables = self.hub(part)
            self.push(ours, variables)
            sent = self.folder / f"sent{part}"
            sent.mkdir()
            for name, content in ours.files.items():
                if name != ".gitattributes":
                    (sent / name).write_bytes(content)
            theirs, variables = self.hub(part)
            create = "hub.create_repo('org/model', private=True)\n"
            self.real(variables, create + f"print(hub.upload_folder(repo_id='org/model', folder_path={str(sent)!r}))")
            self.assertEqual(theirs.files, ours.files)
            self.assertEqual(self.without_choices(ours), self.without_choices(theirs))

    def without_choices(self, hub):
        """The requests that change the repository, in one order, without what each client is free to choose."""
        requests = []
        for path, text in hub.posted:
            if path == "/api/validate-yaml":  # huggingface_hub asks for a check of the card
                continue
            lines = [json.loads(line) for line in text.splitlines()]
            for line in lines:
                if line.get("key") == "header":
                    line["value"] = sorted(set(line["value"]) - {"parentCommit"})
                if "files" in line:
                    line["files"].sort(key=lambda file: file["path"])
            lines.sort(key=lambda line: json.dumps(line, sort_keys=True))
            requests.append((path, lines))
        return requests


if __name__ == "__main__":
    unittest.main()
