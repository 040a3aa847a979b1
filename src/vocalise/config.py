"""Configurations: frozen dataclasses that live inside the class they configure, and their way to JSON and back.

A `Part` is anything interchangeable. Its `Config` holds the choices; facts known only at run time are arguments of
`build`. Reading JSON can build only the classes that subclass `Part` here (no import by dotted string, no pickle).
"""

import dataclasses
import json
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, TypeVar, Union, get_args, get_origin

from pydantic import Field, TypeAdapter, ValidationError

from vocalise.errors import ConfigError

T = TypeVar("T")

# Bounds keep a hostile or mistyped recipe from asking for a billion layers before anything else can refuse it.
Count = Annotated[int, Field(ge=1, le=1 << 20)]
Channels = Annotated[int, Field(ge=0, le=8192)]
Depth = Annotated[int, Field(ge=1, le=64)]
Doublings = Annotated[int, Field(ge=1, le=16)]  # layers whose dilation doubles each time
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0, le=1e9)]

# Old names of parts in files that were saved before a class was renamed.
RENAMED: Mapping[str, str] = types.MappingProxyType({})


class Part:
    """Anything that can be exchanged for another member of its family."""

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Config:
        """The choices of a part; its fields are its documentation."""

        part: ClassVar[type["Part"]]

        def build(self, **facts: Any) -> Any:
            """Makes the part from these choices and the facts that are known only now."""
            return type(self).part(self, **facts)  # type: ignore[call-arg]  # each part's __init__ says what it takes

        def scaled(self, factor: float) -> Any:
            """The same choices at another width; a part without a width stays as it is."""
            return self

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Gives every class its own `Config`, an empty one if need be, so that JSON can tell members apart."""
        super().__init_subclass__(**kwargs)
        if "Config" not in cls.__dict__:
            names = {
                "__module__": cls.__module__,
                "__qualname__": f"{cls.__qualname__}.Config",
                "__doc__": "No choices.",
            }
            config = types.new_class("Config", (cls.Config,), {}, lambda body: body.update(names))
            cls.Config = dataclasses.dataclass(frozen=True, kw_only=True)(config)  # type: ignore[misc]  # a class is a type
        cls.Config.part = cls


def members(family: type[Part]) -> dict[str, type[Part]]:
    """Every concrete member of a family by name; two parts of one name are refused."""
    found: dict[str, type[Part]] = {}
    for member in _descendants(family):
        if member.__name__ in found:
            raise ConfigError(
                f"Two parts are called {member.__name__!r}: names go into voice files, so they must differ."
            )
        found[member.__name__] = member
    return found


def _descendants(family: type[Part]) -> Iterator[type[Part]]:
    for child in family.__subclasses__():
        if Part not in child.__bases__:
            yield child
        yield from _descendants(child)


def to_json(config: object) -> Any:
    """A configuration as plain JSON values; a part carries its class name under `part`."""
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        fields = {field.name: to_json(getattr(config, field.name)) for field in dataclasses.fields(config)}
        return {"part": type(config).part.__name__, **fields} if isinstance(config, Part.Config) else fields
    if isinstance(config, Mapping):
        return {key: to_json(value) for key, value in config.items()}
    if isinstance(config, tuple | list):
        return [to_json(value) for value in config]
    return config


def from_json(kind: type[T], data: object, where: str = "recipe") -> T:
    """Rebuilds a configuration of the given kind; unknown keys and values out of bounds are refused.

    Raises:
        ConfigError: the data does not describe a `kind`; the message names the field by its path.
    """
    return typing.cast(T, _convert(kind, data, where))


def _convert(hint: Any, value: Any, where: str) -> Any:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _convert_dataclass(hint, value, where)
    origin = get_origin(hint)
    if origin is tuple and get_args(hint)[-1] is Ellipsis:
        value = value.split(",") if isinstance(value, str) else value
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{where} should be a list, not {value!r:.80}.")
        return tuple(_convert(get_args(hint)[0], item, f"{where}.{n}") for n, item in enumerate(value))
    if origin in (Union, types.UnionType) and value is None and types.NoneType in get_args(hint):
        return None
    try:
        return TypeAdapter(hint).validate_python(value)
    except ValidationError as error:
        raise ConfigError(f"{where} cannot be {value!r:.80}: {error.errors()[0]['msg']}.") from None


def _convert_dataclass(kind: type, data: Any, where: str) -> Any:
    if isinstance(data, kind):
        return data
    if isinstance(data, str) and issubclass(kind, Part.Config):
        data = {"part": data}  # `--set model.bottleneck=Gaussian`: the part's own defaults
    if not isinstance(data, Mapping):
        raise ConfigError(f"{where} should be an object with named fields, not {data!r:.80}.")
    data = dict(data)
    if issubclass(kind, Part.Config):
        kind = _member(kind, data.pop("part", None), where)
    hints = typing.get_type_hints(kind, include_extras=True)
    names = [field.name for field in dataclasses.fields(typing.cast(Any, kind))]
    for key in data:
        _require(key, names, where)
    values = {name: _convert(hints[name], data[name], f"{where}.{name}") for name in names if name in data}
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}: {error}.") from None


def _member(family: type[Part.Config], name: object, where: str) -> type[Part.Config]:
    choices = members(family.part) or {family.part.__name__: family.part}
    name = RENAMED.get(str(name), str(name))
    if name not in choices:
        raise ConfigError(f"{where}: there is no part {name!r}; the choices are {', '.join(sorted(choices))}.")
    return choices[name].Config


def _require(key: str, names: list[str], where: str) -> None:
    if key not in names:
        raise ConfigError(f"{where} has no field {key!r}; the choices are {', '.join(names) or 'none'}.")


def override(config: T, setting: str, where: str = "recipe") -> T:
    """A copy with one field changed, named by path: `model.encoder.channels=64`, `weights.singer=0.02`.

    Items of a list are named by their number (`protocols.1.start=0.5`), and the number after the last adds one
    (`adversaries.1={"part": "Consistency"}`). The value is read as JSON where it is JSON, and as text otherwise.

    Raises:
        ConfigError: no such field (the choices are named), or a value that does not fit.
    """
    path, found, text = setting.partition("=")
    if not found or not path:
        raise ConfigError(f"--set {setting!r}: write it as path=value, for instance model.encoder.channels=64.")
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = [word.strip() for word in text.split(",")] if "," in text else text
    tree = to_json(config)
    _put(tree, path.split("."), value, where)
    return from_json(type(config), tree, where)


def _put(tree: Any, path: list[str], value: Any, where: str) -> None:
    head, rest = path[0], path[1:]
    if isinstance(tree, list):
        if not head.isdigit() or int(head) >= len(tree) + (not rest):  # the number after the last adds one
            raise ConfigError(
                f"{where} has no item {head!r}; the choices are {', '.join(map(str, range(len(tree)))) or 'none'}."
            )
        key: Any = int(head)
        tree += [None] * (key == len(tree))
    elif isinstance(tree, dict):
        _require(head, [name for name in tree if name != "part"], where)
        key = head
    else:
        raise ConfigError(f"{where} is a single value; it has no field {head!r}.")
    if rest:
        _put(tree[key], rest, value, f"{where}.{head}")
    else:
        tree[key] = value
