"""Lethe from Python: makes a language model forget how to do harm, and measures whether it did.

    import lethe

    job = lethe.start("unlearn", model="facebook/opt-2.7b", harmful="harmful.jsonl", normal="normal.jsonl",
                      out="runs/opt", tuning="lora", training={"steps": 1000})
    for step in job:                    # a line of metrics.jsonl, as soon as it is written
        print(step["step"], step["loss"])
    results = job.result()              # results.json
    print(results["verdict"]["sentence"])

    model, tokenizer = lethe.load("runs/opt")       # transformers' objects, and PEFT's for an adapter

`lethe.run()` does the same without the steps between. Every command of the program `lethe` works; the program does the
work in a process of its own.
"""

from lethe._errors import BadInputError, FailedError, InterruptedRunError, LetheError, LetheWarning, UsageError
from lethe._job import Job, Results, run, start
from lethe._load import load
from lethe._program import program_path, version
from lethe._trackers import log_to_mlflow, log_to_wandb

__version__ = version()
__all__ = [
    "BadInputError",
    "FailedError",
    "InterruptedRunError",
    "Job",
    "LetheError",
    "LetheWarning",
    "Results",
    "UsageError",
    "load",
    "log_to_mlflow",
    "log_to_wandb",
    "program_path",
    "run",
    "start",
]
