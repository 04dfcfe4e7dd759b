"""Settings: frozen pydantic models, read from TOML, with ``a.b=1`` overrides.

An unknown key is an error that names the nearest known one; nothing is silently ignored.
"""

import difflib
import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from molinteract.core.errors import ConfigError


class Settings(BaseModel):
    """Base of every settings model: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def fingerprint(self) -> str:
        """Return a short stable hash of all values, for file identities."""
        return fingerprint_of(self.model_dump(mode="json"))

    @classmethod
    def load(cls, path: Path | None = None, overrides: Sequence[str] = ()) -> Self:
        """Read the settings from a TOML file, then apply ``a.b=1`` overrides.

        Raises
        ------
        ConfigError
            If the file cannot be read, a key is unknown, or a value is out of range.
        """
        values = _read_toml(path) if path is not None else {}
        for override in overrides:
            _apply_override(values, override)
        return parse_settings(cls, values, where=str(path) if path else "settings")


class PatchParameters(Settings):
    """What makes a patch (SPEC 1.2); part of the identity of a store. Lengths in angstrom."""

    radius: float = Field(default=8.0, gt=0, le=50, description="cut around the common centre, r")
    d_inter: float = Field(default=4.0, gt=0, le=12, description="longest intermolecular edge")
    d_intra: float = Field(default=2.0, gt=0, le=6, description="longest intramolecular edge")


class Policies(Settings):
    """Choices where a crystallographer may decide otherwise (SPEC 1.1, 1.2)."""

    hydrogens: Literal["deposited", "normalised", "none"] = "deposited"
    disorder: Literal["reject", "majority"] = "reject"
    components: Literal["one", "any"] = "one"


class Limits(Settings):
    """Sizes and times beyond which an entry is ``too_large``."""

    molecule_atoms: int = Field(default=1000, gt=0)
    cell_atoms: int = Field(default=5000, gt=0)
    seconds: float = Field(default=60.0, gt=0)


class BuildSettings(Settings):
    """Everything that decides what a store contains."""

    patches: PatchParameters = PatchParameters()
    policies: Policies = Policies()
    limits: Limits = Limits()
    labels: bool = Field(
        default=True, description="perceive bond orders: labels of patches and atoms, and the check of charges"
    )


PAPER: Final = BuildSettings(
    patches=PatchParameters(radius=8.0, d_inter=4.0, d_intra=2.0),
    policies=Policies(hydrogens="deposited", disorder="reject", components="one"),
    labels=True,
)
"""The paper's exact set-up, whatever the defaults become."""


def require_paper(settings: BuildSettings) -> None:
    """Raise if settings differ from the paper's where they decide what a data set contains; limits may differ.

    Raises
    ------
    ConfigError
        Naming the settings that differ.
    """
    differing = []
    for section in ("patches", "policies"):
        given, paper = getattr(settings, section).model_dump(), getattr(PAPER, section).model_dump()
        differing += [f"{section}.{key}={given[key]}" for key in paper if given[key] != paper[key]]
    if settings.labels != PAPER.labels:
        differing.append(f"labels={settings.labels}")
    if differing:
        raise ConfigError(
            f"{', '.join(differing)} differs from the paper's set-up",
            entry="--paper",
            remedy="leave out --paper, or the setting",
        )


Model = TypeVar("Model", bound=BaseModel)


def fingerprint_of(values: Mapping[str, Any]) -> str:
    """Return the fingerprint of settings given as plain values, such as those of a manifest."""
    text = json.dumps(dict(values), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def parse_settings(model: type[Model], values: Mapping[str, Any], *, where: str) -> Model:
    """Validate a mapping into a settings model, with errors in words.

    Raises
    ------
    ConfigError
        Naming the key, what is wrong with it and, for an unknown key, the nearest known one.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        remedy = None
        if first["type"] == "extra_forbidden":
            known = _known_keys(model, first["loc"][:-1])
            near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1, cutoff=0.4)
            remedy = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(sorted(known))}"
            message = f"unknown setting {key!r}"
        else:
            message = f"setting {key!r}: {first['msg'].lower()} (got {first['input']!r})"
        raise ConfigError(message, entry=where, remedy=remedy) from None


def _known_keys(model: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    current: Any = model
    for part in path:
        field = current.model_fields.get(part) if hasattr(current, "model_fields") else None
        if field is None:
            return []
        current = field.annotation
    return list(getattr(current, "model_fields", {}))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read settings: {error.strerror}", entry=str(path)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not valid TOML: {error}", entry=str(path)) from error


def _apply_override(values: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator or not key.strip():
        raise ConfigError(f"cannot read the override {override!r}", remedy="write it as section.name=value")
    *parents, last = key.strip().split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise ConfigError(f"{parent!r} in the override {override!r} is a value, not a section")
    values[last] = _parse_value(text.strip())


def _parse_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text  # a bare word is a string: --set policies.hydrogens=none
