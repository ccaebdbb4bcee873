"""What plugins offer by name: adapters, samplers, oracles, data sources and backbones."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict

from aas_plugin.errors import AasError

Kind = Literal["adapter", "sampler", "oracle", "dataset", "backbone", "codebase"]


class NoOptions(BaseModel):
    """The options of something that has none."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Offer:
    """One thing on offer: how to make it, which options it takes, which settings suit it, who offers it.

    `factory(options)` is called with a validated instance of `options`; it may import what is heavy. An
    adapter's, sampler's or oracle's factory returns a plugin object with hook implementations, a backbone's a
    `torch.nn.Module`. A data source's is called as `factory(options, progress)`, where `progress(done, total)`
    may be called on long work, and returns a `Catalogue`; the options of one that is several data sets have `subset`
    and `members()`, names of subsets `present` and `missing`, for `aas run --each`. A codebase's is called without
    arguments and returns a `Codebase`, a row that says how its script is driven. A `frozen` backbone has weights
    that are never trained.
    """

    kind: Kind
    name: str
    factory: Callable[..., Any]
    options: type[BaseModel] = NoOptions
    defaults: Mapping[str, Any] = field(default_factory=dict)
    plugin: str = ""
    frozen: bool = False


class Registry:
    """Offers by kind and name."""

    def __init__(self) -> None:
        self._offers: dict[tuple[str, str], Offer] = {}
        self.current_plugin = ""

    def offer(
        self,
        kind: Kind,
        name: str,
        factory: Callable[..., Any],
        options: type[BaseModel] = NoOptions,
        defaults: Mapping[str, Any] | None = None,
        *,
        frozen: bool = False,
    ) -> None:
        """Offer `factory` as `name`; `defaults` are run settings that suit it, weaker than the user's.

        A `frozen` backbone is there to embed with and is never trained.

        Raises `AasError` for an unknown kind and for a name that another plugin offers already.
        """
        if kind not in get_args(Kind):
            raise AasError(
                f"plugin {self.current_plugin!r} offers {name!r} as {kind!r}; kinds are {', '.join(get_args(Kind))}"
            )
        if (kind, name) in self._offers:
            raise AasError(
                f"plugins {self._offers[kind, name].plugin!r} and {self.current_plugin!r} both offer the {kind} "
                f"{name!r}; remove or rename one of them"
            )
        self._offers[kind, name] = Offer(kind, name, factory, options, defaults or {}, self.current_plugin, frozen)

    def get(self, kind: Kind, name: str) -> Offer:
        """Look up an offer; raises `AasError` with suggestions when there is none of that name."""
        try:
            return self._offers[kind, name]
        except KeyError:
            names = self.names(kind)
            near = difflib.get_close_matches(name, names, n=2, cutoff=0.5)
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are: {', '.join(names)}"
            raise AasError(f"unknown {kind} {name!r}; {hint} (`aas plugins` lists all)") from None

    def names(self, kind: Kind) -> list[str]:
        """Names on offer of one kind, sorted."""
        return sorted(name for other, name in self._offers if other == kind)

    def by_plugin(self, plugin: str) -> list[Offer]:
        """All that one plugin offers, in the order it was offered."""
        return [offer for offer in self._offers.values() if offer.plugin == plugin]
