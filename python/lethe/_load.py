"""Models of runs as objects of transformers and PEFT."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any


def _need(package: str) -> Any:
    try:
        return __import__(package)
    except ImportError as error:
        raise ImportError(f"lethe.load() needs {package}: pip install {package}") from error


def load(
    run: str | os.PathLike[str] | dict[str, Any], *, base: str | os.PathLike[str] | None = None, **options: Any
) -> tuple[Any, Any]:
    """The unlearned (or fine-tuned) model of a run, and its tokenizer: `model, tokenizer = lethe.load("runs/opt")`.

    run: a run's folder, the results of `lethe.run()`, or the folder of a checkpoint or an adapter
    base: the checkpoint that an adapter belongs to, if it is no longer where the run found it
    options: for from_pretrained() of transformers: dtype, device_map, …

    An adapter gives a PeftModel on its base. Raises ImportError without transformers (or PEFT, for an adapter), and
    FileNotFoundError if there is no model.
    """
    folder = getattr(run, "folder", run)
    if folder is None:
        raise FileNotFoundError("these results have no run folder: give out= to lethe.run()")
    folder = pathlib.Path(folder)
    for inner in (folder / "model", folder / "adapter", folder):
        if (inner / "config.json").is_file() or (inner / "adapter_config.json").is_file():
            folder = inner
            break
    else:
        raise FileNotFoundError(f"{folder} holds no model/, no adapter/, no config.json and no adapter_config.json")
    transformers = _need("transformers")
    if not (folder / "adapter_config.json").is_file():
        model = transformers.AutoModelForCausalLM.from_pretrained(folder, **options)
        return model, transformers.AutoTokenizer.from_pretrained(folder)
    peft = _need("peft")
    if base is None:
        base = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))["base_model_name_or_path"]
    model = transformers.AutoModelForCausalLM.from_pretrained(base, **options)
    return peft.PeftModel.from_pretrained(model, folder), transformers.AutoTokenizer.from_pretrained(base)
