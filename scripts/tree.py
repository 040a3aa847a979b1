"""Prints the tree of the package for the README: every file with the first sentence of its docstring.

`python scripts/tree.py` prints it; `python scripts/tree.py --write` puts it into README.md in place of the old one.
"""

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = ("__pycache__", "py.typed")
BUILT = (".so", ".dylib", ".dll", ".pyd", ".pyc", ".o")
BLOCK = re.compile(r"^(?P<fence>```\w*\n)(?P<tree>src/vocalise/.*?\n)(?=```$)", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"\s*(?:\{#|<!--|/\*+|//|#)-?\s*(.+?)\s*(?:-?#\}|-->|\*/)?\s*(?:\n|$)")


def first_sentence(text: str) -> str:
    """The first sentence of a text on one line, without its full stop."""
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    return re.split(r"\.(?=\s+[A-Z`]|$)", paragraph)[0]


def caption(path: Path) -> str:
    """What a file says of itself: the docstring of a module or folder, the first comment of other texts."""
    source = path / "__init__.py" if path.is_dir() else path
    if not source.is_file():
        return ""
    if source.suffix == ".safetensors":
        return "A trained voice; `vocalise voices` prints its card: whom it offers, and from which recordings it learnt"
    text = source.read_text(encoding="utf-8", errors="replace")
    if source.suffix == ".py":
        return first_sentence(ast.get_docstring(ast.parse(text)) or "")
    comment = COMMENT.match(text)
    return first_sentence(comment[1]) if comment else ""


def floors() -> list[str]:
    """The modules right under the package from the ground up, as the import linter's contract has them."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [name.strip(" ()").rsplit(".", 1)[-1] for layer in reversed(layers) for name in layer.split("|")]


def entries(package: Path, order: list[str]) -> list[tuple[int, str, str]]:
    """Depth, name and caption of every file and folder: the top one by floors, those below it by name."""

    def rank(path: Path) -> tuple[int, str]:
        known = path.stem in order and path.parent == package
        return (order.index(path.stem) if known else -1 if path.stem == "__init__" else len(order), path.name)

    found: list[tuple[int, str, str]] = []
    for path in sorted(package.iterdir(), key=rank):
        nested = path.name == "__init__.py" and path.parent.parent.name != "src"
        if path.name in LEFT_OUT or path.suffix in BUILT or path.name.startswith(".") or nested:
            continue
        if path.is_dir():
            below = [(depth + 1, name, text) for depth, name, text in entries(path, order)]
            found += [(1, f"{path.name}/", caption(path)), *below] if below else []
        else:
            found.append((1, path.name, caption(path)))
    return found


def tree() -> list[str]:
    """The lines of the tree: two spaces of indentation for each level, a name, two spaces or more, a caption."""
    rows = [(0, "src/vocalise/", ""), *entries(ROOT / "src" / "vocalise", floors())]
    names = ["  " * depth + name for depth, name, _ in rows]
    width = max(len(name) for name in names) + 2
    return [f"{name:<{width}}{text}".rstrip() for name, (_, _, text) in zip(names, rows, strict=True)]


def main() -> int:
    """Prints the tree, or writes it into the README; returns the exit code."""
    block = "\n".join(tree()) + "\n"
    if "--write" not in sys.argv[1:]:
        sys.stdout.write(block)
        return 0
    readme = ROOT / "README.md"
    text, count = BLOCK.subn(lambda found: found["fence"] + block, readme.read_text(encoding="utf-8"))
    if count != 1:
        sys.stderr.write(f"README.md has {count} fenced blocks that begin with src/vocalise/; it should have one.\n")
        return 1
    readme.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
