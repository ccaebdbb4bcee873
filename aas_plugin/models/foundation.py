"""Frozen backbones that others trained on many animals: MegaDescriptor and MiewID."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor, nn

from aas_plugin.errors import AasError
from aas_plugin.models.backbones import Backbone
from aas_plugin.models.options import FoundationOptions
from aas_plugin.models.pooling import FeatureMaps, GeM
from aas_plugin.models.weights import hub_file, read_weights, short
from aas_plugin.training.batches import IMAGENET_MEAN, IMAGENET_STD

HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Foundation:
    """A model that is published with its weights.

    Attributes:
        name: what the backbone is called here.
        repository: on the Hugging Face hub.
        file: the checkpoint in it.
        licence: of the weights, as its page says.
        family: "swin" is average pooling without a head; "miewid" is GeM and batch normalisation, both learnt.
        architecture: timm's name.
        size: height and width of the images in pixels.
        arguments: what timm is told beside the name.
    """

    name: str
    repository: str
    file: str
    licence: str
    family: Literal["swin", "miewid"]
    architecture: str
    size: int
    arguments: Mapping[str, Any] = field(default_factory=dict)


FOUNDATIONS = {
    row.name: row
    for row in (
        Foundation(
            "megadescriptor-l-384",  # Cermak et al., WACV 2024; 1536 features
            "BVRA/MegaDescriptor-L-384",
            "pytorch_model.bin",
            "CC BY-NC 4.0, not for commercial use",
            "swin",
            "swin_large_patch4_window12_384",
            384,
        ),
        Foundation(
            "megadescriptor-t-224",  # the small one; 768 features
            "BVRA/MegaDescriptor-T-224",
            "pytorch_model.bin",
            "CC BY-NC 4.0, not for commercial use",
            "swin",
            "swin_tiny_patch4_window7_224",
            224,
        ),
        Foundation(
            "miewid",  # Otarashvili et al., 2024, version 3; 2152 features
            "conservationxlabs/miewid-msv3",
            "model.safetensors",
            "none is known to this package, so ask Conservation X Labs before any use but research",
            "miewid",
            "efficientnetv2_rw_m",
            440,
        ),
    )
}


class FrozenBackbone(Backbone):
    """A backbone that stays as it was loaded: without gradients, and in evaluation mode.

    `forward` takes float32 (B, 3, size, size), normalised by `mean` and `std`, and returns float32
    (B, feature_dim) with L2-normalised rows.
    """

    def __init__(self, body: nn.Module, feature_dim: int, size: int, normalisation: str) -> None:
        super().__init__(body, feature_dim, bn_neck=False)
        self.image_size = (size, size)
        self.mean, self.std = (HALF, HALF) if normalisation == "half" else (IMAGENET_MEAN, IMAGENET_STD)

    def train(self, mode: bool = True) -> FrozenBackbone:
        """Stay in evaluation mode, whatever is asked."""
        super().train(False)
        return self


def foundation(what: Foundation, options: FoundationOptions) -> FrozenBackbone:
    """Build a frozen backbone with the weights of `options.weights`, or of the Hugging Face hub.

    Normalisation: MegaDescriptor's `config.json` and its authors' benchmark take ImageNet's mean and deviation, the
    example on its page takes 0.5 and 0.5. The default is the first, `options.normalisation` the choice. MiewID takes
    ImageNet's. Images are squeezed to `what.size` without a crop, as by both authors.

    Warns with the licence before weights are taken from the hub.

    Raises:
        AasError: the weights are neither cached nor can be fetched, or a file does not hold just those of this model.
    """
    import timm

    given = {"num_classes": 0, **({"global_pool": ""} if what.family == "miewid" else {}), **what.arguments}
    state = read_weights(options.weights, _where(what)) if options.weights is not None else _from_hub(what)
    network = timm.create_model(what.architecture, pretrained=False, **given)
    dimensions = int(network.num_features)  # type: ignore[arg-type]
    try:
        if what.family == "swin":
            model = FrozenBackbone(
                FeatureMaps(network, channels_last=True), dimensions, what.size, options.normalisation
            )
            _load_swin(network, state)
        else:
            model = FrozenBackbone(network, dimensions, what.size, options.normalisation)
            model.pool, model.neck = GeM(), nn.BatchNorm1d(dimensions)
            model.load_state_dict(_miewid_names(state))
    except (RuntimeError, KeyError, AttributeError) as error:
        place = options.weights or f"{what.file} of {what.repository}"
        raise AasError(
            f"{place} does not hold the weights of {what.name} ({what.architecture}: {short(error)}); give the file "
            f"{what.file} of https://huggingface.co/{what.repository}"
        ) from error
    return model.requires_grad_(False).eval()


def _from_hub(what: Foundation) -> dict[str, Tensor]:
    warnings.warn(
        f"{what.name} takes weights of https://huggingface.co/{what.repository}; their licence: {what.licence}",
        stacklevel=3,
    )
    way_out = f"download {_where(what)} elsewhere and name the file with --set backbone.weights=PATH"
    return read_weights(hub_file(what.repository, ("model.safetensors", what.file), way_out), _where(what))


def _where(what: Foundation) -> str:
    return f"{what.file} from https://huggingface.co/{what.repository}"


def _load_swin(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    from timm.models.swin_transformer import checkpoint_filter_fn

    own = checkpoint_filter_fn(dict(state), network)
    network.load_state_dict({name: value for name, value in own.items() if not name.startswith("head.")})


def _miewid_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename a MiewID checkpoint's tensors to a `Backbone`'s, without those of its classifiers."""
    places = {"backbone.global_pool.": "pool.", "pooling.": "pool.", "bn.": "neck.", "backbone.": "body."}
    renamed = {}
    for name, value in state.items():
        if name.startswith(("final.", "backbone.classifier.")):
            continue
        old = next((prefix for prefix in places if name.startswith(prefix)), "")
        renamed[places.get(old, "") + name.removeprefix(old)] = value
    return renamed
