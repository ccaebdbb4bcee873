"""What plugins register by name: adapters, samplers, refiners, oracles, data sources and backbones."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict

from aas_plugin.errors import AasError

Progress = Callable[[int, int], None]
"""Is told how far a long task is: done, total."""

Kind = Literal["adapter", "sampler", "refiner", "evidence", "oracle", "dataset", "backbone", "codebase"]


class NoOptions(BaseModel):
    """The options of something that has none."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Component:
    """Something registered by name: how to make it, which options it takes, which settings suit it, by which plugin.

    `factory(options)` is called with a validated instance of `options`; it may import what is heavy. That of an
    adapter, sampler, refiner, evidence or oracle returns a plugin object with hook implementations, a backbone's a
    `torch.nn.Module`. A data source's is called as `factory(options, progress)`, where `progress(done, total)`
    may be called on long work, and returns a `Catalogue`; the options of one that is several data sets have `subset`
    and `members()`, names of subsets `present` and `missing`, for `aas run --each`. A codebase's is called without
    arguments and returns a `Recipe`, which says how its script is driven. A `frozen` backbone has weights
    that are never trained. An adapter's `paper` holds the settings of its official code, where its own are others.
    """

    kind: Kind
    name: str
    factory: Callable[..., Any]
    options: type[BaseModel] = NoOptions
    defaults: Mapping[str, Any] = field(default_factory=dict)
    plugin: str = ""
    frozen: bool = False
    paper: Mapping[str, Any] = field(default_factory=dict)

    def make(self, options: Mapping[str, Any], *more: Any) -> Any:
        """Make it.

        Args:
            options: its own, by name; they are validated first.
            more: what its kind of factory takes beside them.
        """
        return self.factory(self.options.model_validate(dict(options)), *more)


class Registry:
    """Components by kind and name."""

    def __init__(self) -> None:
        self._components: dict[tuple[str, str], Component] = {}
        self.current_plugin = ""

    def register(
        self,
        kind: Kind,
        name: str,
        factory: Callable[..., Any],
        options: type[BaseModel] = NoOptions,
        defaults: Mapping[str, Any] | None = None,
        *,
        frozen: bool = False,
        paper: Mapping[str, Any] | None = None,
    ) -> None:
        """Register a component.

        Args:
            kind: what it is.
            name: what it is chosen by.
            factory: makes it, see `Component`.
            options: validates its options.
            defaults: run settings that suit it, weaker than the user's.
            frozen: whether it is a backbone to embed with that is never trained.
            paper: of an adapter, what the preset `paper` sets: settings of its official code where its defaults, or
                those of its options, are others.

        Raises:
            AasError: the kind is unknown, or another plugin registered this name already.
        """
        if kind not in get_args(Kind):
            raise AasError(
                f"plugin {self.current_plugin!r} registers {name!r} as {kind!r}; kinds are {', '.join(get_args(Kind))}"
            )
        if (kind, name) in self._components:
            raise AasError(
                f"plugins {self._components[kind, name].plugin!r} and {self.current_plugin!r} both register the {kind} "
                f"{name!r}; remove or rename one of them"
            )
        self._components[kind, name] = Component(
            kind, name, factory, options, defaults or {}, self.current_plugin, frozen, paper or {}
        )

    def get(self, kind: Kind, name: str) -> Component:
        """Look up a component.

        Raises:
            AasError: there is none of that name; it suggests others.
        """
        try:
            return self._components[kind, name]
        except KeyError:
            names = self.names(kind)
            near = difflib.get_close_matches(name, names, n=2, cutoff=0.5)
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are: {', '.join(names)}"
            raise AasError(f"unknown {kind} {name!r}; {hint} (`aas plugins` lists all)") from None

    def names(self, kind: Kind) -> list[str]:
        """Names of one kind, sorted."""
        return sorted(name for other, name in self._components if other == kind)

    def by_plugin(self, plugin: str) -> list[Component]:
        """All that one plugin registered, in its order."""
        return [component for component in self._components.values() if component.plugin == plugin]

    def withdraw(self, plugin: str) -> None:
        """Forget all that one plugin registered."""
        self._components = {key: found for key, found in self._components.items() if found.plugin != plugin}
