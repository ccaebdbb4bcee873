"""A trained model in MLflow's format."""

from __future__ import annotations

import importlib.metadata
import logging
from pathlib import Path
from typing import cast

import numpy as np


def write_model(path: Path, folder: Path, model_id: str, run_id: str | None) -> None:
    """Write a portable model, the file `path`, into `folder` as `mlflow.pytorch.load_model` reads it.

    It is pickled, so loading it needs this package and the plugin that its method is from. The signature is float32
    `(-1, 3, height, width)`, RGB in 0..255, to float32 `(-1, D)`; the example is two grey images.
    """
    import mlflow.pytorch
    import torch
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema, TensorSpec

    from aas_plugin.models.portable import PortableModel, load_layers

    model = cast(PortableModel, load_layers(path))
    example = np.full((2, 3, model.height, model.width), 128, dtype=np.float32)
    with torch.inference_mode():
        dimensions = model(torch.from_numpy(example)).shape[1]
    single = np.dtype(np.float32)
    # Guessing the packages takes MLflow a process of its own and a minute.
    needed = [f"{name}=={importlib.metadata.version(name)}" for name in ("aas-plugin", "torch", "torchvision", "timm")]
    logger = logging.getLogger("mlflow.pytorch")
    level = logger.level
    # It warns of pickle at every call, which whoever trained the model need not fear.
    logger.setLevel(logging.ERROR)
    try:
        mlflow.pytorch.save_model(
            model,
            str(folder),
            mlflow_model=Model(model_uuid=model_id, model_id=model_id, run_id=run_id),
            signature=ModelSignature(
                inputs=Schema([TensorSpec(single, (-1, 3, model.height, model.width))]),
                outputs=Schema([TensorSpec(single, (-1, dimensions))]),
            ),
            input_example=example,
            pip_requirements=needed,
            metadata={"mean": list(model.mean), "std": list(model.std)},
            serialization_format="pickle",
        )
    finally:
        logger.setLevel(level)
