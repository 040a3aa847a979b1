"""Writes the two pages of the manual that are made from the code: every command, and the Python face.

`python scripts/reference.py` says whether they are current; with `--write` it brings them up to date.
"""

import ast
import inspect
import re
import sys
import textwrap
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

import vocalise
from vocalise.apps.cli import app

ROOT = Path(__file__).resolve().parent.parent

COMMANDS_OPENING = """\
# Commands

Every command and every option, written from the program itself (`python scripts/reference.py --write`; a test
holds this page to it). `vocalise COMMAND --help` prints the same. [install.md](install.md#the-tab-key) says how the
tab key learns them.

A command that did all it was asked ends with 0. With 1 something is missing, and a line on standard error says what,
why, and what to do. With 2 the line that was typed was not understood. With 130 somebody interrupted it.
"""

PYTHON_OPENING = """\
# In Python

What `import vocalise` offers, and the records that it takes and gives back, written from the docstrings
(`python scripts/reference.py --write`; a test holds this page to them). The command line calls nothing else.
Whatever is not on this page may change without notice; [architecture.md](architecture.md) says where it is.
"""

WORDS: Mapping[Any, str] = types.MappingProxyType(
    {str: "text", int: "whole number", float: "number", Path: "path", bool: ""}
)
SECTION = re.compile(r"^(Args|Returns|Raises|Yields):$")
INSIDE = re.compile(r"(`[^`]*`)")
MARKUP = re.compile(r"'?[\w./-]*(?:<[^<>]*>|\*)(?:[\w./*-]|<[^<>]*>)*'?")
BESIDE = (  # what the public names take and give back
    ("vocalise.conversion", "planned"),
    ("vocalise.conversion", "Outcome"),
    ("vocalise.checkpoint", "Voice"),
    ("vocalise.checkpoint", "Card"),
    ("vocalise.training.course", "Verdict"),
)


def plain(text: str) -> str:
    """Text as Markdown shows it: what would be taken for markup becomes code, and a table's bars are escaped."""
    parts = INSIDE.split(" ".join(text.split()))
    safe = [part if n % 2 else MARKUP.sub(lambda found: f"`{found[0]}`", part) for n, part in enumerate(parts)]
    return "".join(safe).replace("|", "\\|")


def wants(hint: Any) -> str:
    """What an option takes, in a word or two, from its type."""
    if typing.get_origin(hint) is typing.Annotated:
        return wants(typing.get_args(hint)[0])
    given = [one for one in typing.get_args(hint) if one is not type(None)]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return wants(given[0])
    if typing.get_origin(hint) is list:
        return f"{wants(given[0])}, repeated"
    if typing.get_origin(hint) is tuple:
        return " ".join(map(wants, given))
    return WORDS.get(hint, getattr(hint, "__name__", str(hint)).lower())


def row(parameter: Any, hint: Any) -> str:
    """One parameter as a row of a table: how it is written, what it takes, what it is without, and what it means."""
    names = [*parameter.opts, *(parameter.secondary_opts if parameter.default is True else ())]
    written = (
        ", ".join(f"`{name}`" for name in names) if parameter.opts[0].startswith("-") else f"`{placed(parameter)}`"
    )
    default = "needed" if parameter.required else shown_default(parameter.default)
    meaning = plain(getattr(parameter, "help", None) or "")
    return f"| {written} | {wants(hint)} | {default} | {meaning} |"


def shown_default(value: Any) -> str:
    """A default as it would be typed; nothing where there is none, or where it is a switch that is off."""
    if value is None or value is False or value == "":
        return ""
    return "yes" if value is True else f"`{value}`"


def placed(argument: Any) -> str:
    """An argument as a usage line has it."""
    name = argument.metavar or argument.name.upper()
    return f"{name}…" if argument.nargs == -1 else name


def usage(words: str, command: Any) -> str:
    """`vocalise convert SONGS… --out PATH [OPTIONS]`: what must be given, and that there is more."""
    arguments = [placed(one) for one in command.params if not one.opts[0].startswith("-")]
    needed = [f"{one.opts[0]} {one.name.upper()}" for one in command.params if one.opts[0][0] == "-" and one.required]
    more = any(one.opts[0].startswith("-") and not one.required for one in command.params)
    return " ".join([words, *arguments, *needed, *(["[OPTIONS]"] if more else [])])


def leaves(group: Any, words: str) -> Iterator[tuple[str, Any]]:
    """Every command with the words that call it, those of groups after their group's name."""
    for name, command in group.commands.items():
        if is_group(command):
            yield from leaves(command, f"{words} {name}")
        else:
            yield f"{words} {name}", command


def is_group(command: Any) -> bool:
    """Whether a command is a group of others."""
    return isinstance(command, typer.core.TyperGroup)


def command_section(words: str, command: Any) -> str:
    """A command: its help, its usage, and a table of what it takes."""
    hints = typing.get_type_hints(inspect.unwrap(command.callback), include_extras=True)
    told = "\n\n".join(plain(paragraph) for paragraph in inspect.cleandoc(command.help or "").split("\n\n"))
    rows = [row(one, hints.get(one.name, bool)) for one in command.params if not getattr(one, "hidden", False)]
    table = ["| | takes | by default | |", "|---|---|---|---|", *rows] if rows else ["It takes no options."]
    lines = [f"## `{words}`", "", told, "", "```sh", usage(words, command), "```", "", *table, ""]
    return "\n".join(lines)


def commands_page() -> str:
    """The page of all commands."""
    group = typer.main.get_command(app)
    sections = [command_section(words, command) for words, command in leaves(group, "vocalise")]
    return "\n".join([COMMANDS_OPENING, *sections]).rstrip() + "\n"


def prose(text: str) -> str:
    """A docstring as Markdown: sections of arguments become lists, whatever is indented more becomes code."""
    out: list[str] = []
    for block in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        first, *rest = block.splitlines()
        title = SECTION.match(first)
        if title and title[1] == "Returns":
            out.append(f"*Returns:* {' '.join(line.strip() for line in rest)}")
        elif title:
            out.append(f"*{ {'Args': 'Takes'}.get(title[1], title[1]) }:*\n\n{entries(rest)}")
        elif first.startswith(" ") or (rest and not first[0].isspace() and drawn(block)):
            out.append(f"```\n{textwrap.dedent(block)}\n```")
        else:
            out.append(" ".join(line.strip() for line in block.splitlines()))
    return "\n\n".join(out)


def drawn(block: str) -> bool:
    """Whether a paragraph is a picture of characters rather than words."""
    return any(mark in block for mark in ("──", "▶", "│"))


def entries(lines: list[str]) -> str:
    """`name: what it is`, each perhaps over several lines, as a list."""
    found: list[str] = []
    for line in textwrap.dedent("\n".join(lines)).splitlines():
        if line.startswith(" ") and found:
            found[-1] += f" {line.strip()}"
        else:
            name, mark, what = line.partition(": ")
            found.append(f"- `{name}`: {what}" if mark else f"- {line}")
    return "\n".join(found)


def signature(of: Callable[..., Any] | type) -> str:
    """A call as it is written in the source, a line for each argument where it is long; of records, their fields."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(of))).body
    if isinstance(node, ast.ClassDef):
        init = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
        fields = [ast.unparse(one).replace("'", '"') for one in node.body if isinstance(one, ast.AnnAssign)]
        return laid_out(node.name, arguments(init[0]) if init else fields, "")
    assert isinstance(node, ast.FunctionDef)
    back = f" -> {ast.unparse(node.returns)}".replace("'", "") if node.returns else ""
    return laid_out(node.name, arguments(node), back)


def arguments(node: ast.FunctionDef) -> list[str]:
    """The arguments of a function as they are written, without `self` and `cls`."""
    given, found = node.args, list[str]()
    positional = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(positional) - len(given.defaults)) + list(given.defaults)
    for one, default in zip(positional, defaults, strict=True):
        if one.arg not in ("self", "cls"):
            found.append(written(one, default))
    found += ["*"] if given.kwonlyargs else []
    found += [written(one, default) for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    return [*found, *([f"**{ast.unparse(given.kwarg)}"] if given.kwarg else [])]


def written(argument: ast.arg, default: ast.expr | None) -> str:
    """An argument with its type and what it is by default."""
    text = ast.unparse(argument)
    return text if default is None else f"{text} = {ast.unparse(default)}".replace("'", '"')


def laid_out(name: str, given: list[str], back: str) -> str:
    """A call on one line, or with a line for each argument."""
    line = f"{name}({', '.join(given)}){back}"
    return line if len(line) <= 100 else "\n".join([f"{name}(", *(f"    {one}," for one in given), f"){back}"])


def members(of: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties of a class that say what they do, in the order in which they are written."""
    for name, member in vars(of).items():
        inner = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        documented = inspect.getdoc(inner)
        if not name.startswith("_") and documented and isinstance(member, classmethod | property | types.FunctionType):
            yield name, member


def python_section(home: str, name: str, value: Any) -> str:
    """One public name: signature, docstring, and a class's members."""
    lines = [f"## `{home}.{name}`", ""]
    if isinstance(value, type) and issubclass(value, Exception):
        below = "\n".join(f"- `{one.__name__}`: {prose(inspect.getdoc(one) or '')}" for one in value.__subclasses__())
        return "\n".join([*lines, prose(inspect.getdoc(value) or ""), "", below, ""])
    if not callable(value):
        return "\n".join([*lines, f"`{value!r}`: the version of the package.", ""])
    lines += ["```python", signature(value), "```", "", prose(inspect.getdoc(value) or ""), ""]
    for inner, member in members(value) if isinstance(value, type) else ():
        call = [] if isinstance(member, property) else ["```python", signature(getattr(value, inner)), "```", ""]
        lines += [f"### `{name}.{inner}`", "", *call, prose(inspect.getdoc(getattr(value, inner)) or ""), ""]
    return "\n".join(lines)


def python_page() -> str:
    """The page of the Python face."""
    code = re.findall(r"^ {4}.*(?:\n(?: {4}.*|(?=\n)))*", inspect.cleandoc(vocalise.__doc__ or ""), re.MULTILINE)
    example = f"```python\n{textwrap.dedent(code[0]).strip()}\n```\n"
    face = [("vocalise", name, getattr(vocalise, name)) for name in vocalise.__all__]
    beside = [(home, name, getattr(import_module(home), name)) for home, name in BESIDE]
    sections = [python_section(*one) for one in (*face, *beside)]
    return "\n".join([PYTHON_OPENING, example, *sections]).rstrip() + "\n"


PAGES: Mapping[str, Callable[[], str]] = types.MappingProxyType(
    {"commands.md": commands_page, "python.md": python_page}
)


def stale() -> list[str]:
    """The generated pages that are not what would be written now."""
    there = {name: ROOT / "docs" / name for name in PAGES}
    return [name for name, make in PAGES.items() if not same(there[name], make())]


def same(path: Path, wanted: str) -> bool:
    """Whether a file holds just this text."""
    return path.is_file() and path.read_text(encoding="utf-8") == wanted


def main() -> int:
    """Writes the pages, or says which are not current; returns the exit code."""
    if "--write" in sys.argv[1:]:
        for name, make in PAGES.items():
            (ROOT / "docs" / name).write_text(make(), encoding="utf-8")
        return 0
    for name in stale():
        sys.stderr.write(f"docs/{name} is not current: python scripts/reference.py --write brings it up to date.\n")
    return 1 if stale() else 0


if __name__ == "__main__":
    sys.exit(main())
