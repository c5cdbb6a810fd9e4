"""Metrics and results of a job in an experiment tracker. The trackers' packages are the caller's: none is imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lethe._job import Job, Results, follow

_MEASURED = "validation_"


def _names(step: dict[str, Any]) -> dict[str, float]:
    """A step's values as the TensorBoard log names them: "training/loss", "validation/harm"."""
    return {
        f"validation/{name.removeprefix(_MEASURED)}" if name.startswith(_MEASURED) else f"training/{name}": value
        for name, value in step.items()
        if name != "step"
    }


def _numbers(results: dict[str, Any], before: str = "") -> Iterator[tuple[str, float]]:
    """The numbers of results.json, those within objects as "outer/inner"."""
    for name, value in results.items():
        if isinstance(value, dict):
            yield from _numbers(value, f"{before}{name}/")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield f"{before}{name}", value


def _command(job: Job) -> str:
    return " ".join(job.arguments)[:500]  # trackers bound the length of a tag


def _verdict(results: dict[str, Any]) -> dict[str, str]:
    level = results.get("verdict", {}).get("level")
    return {"verdict": level} if level else {}


def log_to_wandb(job: Job, run: Any) -> Results:
    """Follows a job to its end: each step goes to a run of Weights & Biases, the results to the run's summary.

    run: what `wandb.init()` returned

    Returns the results. Raises as `Job.result()`; if the tracker fails, the job is stopped.

    >>> with wandb.init(project="unlearning") as run:
    ...     results = lethe.log_to_wandb(lethe.start("unlearn", …), run)
    """
    run.config.update({"lethe": _command(job)})
    results = follow(job, lambda step: run.log(_names(step), step=step["step"]))
    run.summary.update(dict(_numbers(results)) | _verdict(results))
    return results


def log_to_mlflow(job: Job, mlflow: Any) -> Results:
    """Follows a job to its end: its steps and results become metrics of MLflow's active run, the verdict a tag.

    mlflow: the module

    Returns the results. Raises as `Job.result()`; if the tracker fails, the job is stopped.

    >>> with mlflow.start_run():
    ...     results = lethe.log_to_mlflow(lethe.start("unlearn", …), mlflow)
    """
    mlflow.set_tag("lethe", _command(job))
    results = follow(job, lambda step: mlflow.log_metrics(_names(step), step=step["step"]))
    mlflow.log_metrics(dict(_numbers(results)))
    for name, value in _verdict(results).items():
        mlflow.set_tag(name, value)
    return results
