"""Any model of timm as a backbone: by its name, from the Hugging Face hub, from a folder, with weights from a file."""

from __future__ import annotations

import difflib
import warnings
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from aas_plugin.errors import AasError
from aas_plugin.models.backbones import Backbone
from aas_plugin.models.options import TimmOptions
from aas_plugin.models.pooling import FeatureMaps
from aas_plugin.models.weights import hub_file, read_weights, short

ELSEWHERE = "download it elsewhere and name the file with --set backbone.weights=PATH"


def timm_backbone(options: TimmOptions) -> Backbone:
    """Build a model of timm without its classifier, with the mean and deviation that its weights were trained with.

    A model whose average over the last feature maps is what timm itself gives has feature maps here, too. Any other,
    such as a transformer with a class token, is taken whole, with timm's own pooling.

    Raises:
        AasError: there is no such model, or its weights are not cached and cannot be fetched, or do not fit it.
    """
    network = _network(options)
    config = network.pretrained_cfg
    size = tuple(config["input_size"][1:])
    if options.image_size is not None:
        size = (options.image_size, options.image_size)
    with torch.inference_mode():
        network.eval()
        images = torch.randn(1, 3, *size)
        features, maps = network(images), network.forward_features(images)
    body: nn.Module = network
    has_maps = False
    if isinstance(maps, Tensor) and maps.ndim == 4:
        layout = FeatureMaps(network, channels_last=getattr(network, "output_fmt", "NCHW") == "NHWC")
        with torch.inference_mode():
            averages = layout(images).mean(dim=(2, 3))
        if averages.shape == features.shape:
            has_maps = bool((averages - features).abs().max() < 1e-3 * features.abs().max())
        body = layout if has_maps else network
    model = Backbone(body, features.shape[1], options.bn_neck)
    model.mean, model.std = tuple(config["mean"]), tuple(config["std"])
    if config["fixed_input_size"]:
        model.image_size = (int(size[0]), int(size[1]))
    if not has_maps:
        model.has_maps, model.pool = False, nn.Identity()
    return model.train()


def _network(options: TimmOptions) -> Any:
    """Make timm's model without a classifier, with the weights that the options name."""
    name = _on_this_machine(options.model)
    if options.weights is None and not options.pretrained:
        return _created(options, name, num_classes=0)
    config = _created(options, name, num_classes=0).pretrained_cfg if ":" in name else _config(name)
    path = options.weights or _fetched(options.model, config)
    classes = [int(config["num_classes"]), 0]
    overlay: dict[str, Any] = {}
    if path is not None:
        state = read_weights(path, f"the weights of {options.model}")
        heads = [state[f"{head}.weight"] for head in _names(config["classifier"]) if f"{head}.weight" in state]
        classes = [len(heads[0]) if heads else 0, *classes]
        overlay = {"file": str(path), "source": None}
    # timm checks the names and shapes of weights only where the number of classes is that of the weights.
    for number in dict.fromkeys(classes):
        try:
            network = _created(
                options, name, pretrained=True, num_classes=number, overlay={**overlay, "num_classes": number}
            )
        except (RuntimeError, OSError) as error:
            reason = error
            continue
        network.reset_classifier(0)
        return network
    raise AasError(
        f"{path or 'what timm fetched'} does not hold the weights of {options.model} ({short(reason)}); give a "
        "checkpoint of just this model as backbone.weights, or train it from the start with backbone.pretrained=false"
    ) from reason


def _created(options: TimmOptions, name: str, overlay: dict[str, Any] | None = None, **given: Any) -> Any:
    if options.image_size is not None:
        given["img_size"] = options.image_size
    try:
        return timm.create_model(name, pretrained_cfg_overlay=overlay, **given)
    except TypeError as error:
        if options.image_size is None:
            raise
        raise AasError(
            f"{options.model} takes images of any size ({short(error)}); leave out backbone.image_size and set "
            "training.height and training.width"
        ) from error


def _on_this_machine(model: str) -> str:
    """The model's name as timm makes it without a network, once its configuration is fetched from the hub.

    Raises:
        AasError: timm knows no such model, or the hub cannot be reached.
    """
    source, _, place = model.partition(":")
    if source == "hf-hub" and place:
        return f"local-dir:{hub_file(place, ('config.json',), _not_from_hub(place)).parent}"
    if source == "local-dir" and (Path(place) / "config.json").is_file():
        return model
    if timm.is_model(model.partition(".")[0]) and ":" not in model:
        _config(model)
        return model
    names = [*timm.list_models(), *timm.list_pretrained()]
    near = difflib.get_close_matches(model, names, n=3) or ["`timm.list_pretrained()` lists all"]
    raise AasError(
        f"timm has no model {model!r}; near names: {', '.join(near)}; a model of the hub is hf-hub:OWNER/NAME, one in "
        "a folder with its config.json is timm:local-dir:FOLDER"
    )


def _config(name: str) -> dict[str, Any]:
    try:
        found = timm.get_pretrained_cfg(name)
    except RuntimeError:
        found = None
    if found is None:
        architecture = name.partition(".")[0]
        tags = [known for known in timm.list_pretrained(f"{architecture}.*")]
        raise AasError(f"timm has no weights {name!r}; of {architecture} there are: {', '.join(tags) or 'none'}")
    config: dict[str, Any] = found.to_dict()
    return config


def _fetched(model: str, config: dict[str, Any]) -> Path | None:
    """The file of the model's own weights; None where timm has them from elsewhere than the hub.

    Raises:
        AasError: they are neither cached nor can be fetched, or there are none.
    """
    source, _, place = model.partition(":")
    files = (*_names(config.get("hf_hub_filename")), "model.safetensors", "pytorch_model.bin")
    if source == "local-dir":
        found = [Path(place) / file for file in files if (Path(place) / file).is_file()]
        if not found:
            raise AasError(f"{place} has no model.safetensors; put the model's weights there")
        return found[0]
    repository = place if source == "hf-hub" else config.get("hf_hub_id")
    if not repository and not config.get("url"):
        raise AasError(
            f"timm has no weights of {model}; name a file with --set backbone.weights=PATH, or train it from the start "
            "with --set backbone.pretrained=false"
        )
    if not repository:
        return None
    licence = str(config.get("license") or "")
    if "nc" in licence.split("-"):
        warnings.warn(f"{model} takes weights of {repository}; their licence: {licence}", stacklevel=2)
    return hub_file(repository, files, ELSEWHERE)


def _names(given: Any) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given or ())


def _not_from_hub(repository: str) -> str:
    return f"download {repository} elsewhere into a folder and name it with --set backbone=timm:local-dir:FOLDER"
