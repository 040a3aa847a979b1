"""The house's own rules: length of files, direction of imports, state, what is never imported, and the README's tree.

The README holds one fenced block that begins with `src/vocalise/`. Below that line stands each file and folder of the
package: two spaces of indentation for each level, the name (a folder's ends with `/`), at least two spaces, and a
caption: the first sentence of the module's docstring (of the first comment, where a file is not Python). Left out are
`py.typed` and the `__init__.py` of folders inside the package, whose docstring is the folder's caption.
`python scripts/tree.py --write` brings the block up to date.
"""

import ast
import importlib.util
import inspect
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "vocalise"
SPEC = importlib.util.spec_from_file_location("tree", ROOT / "scripts" / "tree.py")
TREE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(TREE)

LIMITS = {"src": 300, "scripts": 300, "benches": 300, "examples": 300, "tests": 400}
BANNED = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal", "torchaudio", "torchcodec", "fairseq"}
MUTABLE = {
    *("dict", "list", "set", "bytearray", "defaultdict", "OrderedDict", "Counter", "deque", "ChainMap"),
    *("WeakKeyDictionary", "WeakValueDictionary", "WeakSet", "SimpleNamespace", "local", "count", "cycle"),
}
DISPLAYS = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp, ast.GeneratorExp)
# Folders of one machine: its users' homes, its drives, and those in which this project happens to be worked upon.
MACHINE = re.compile(r"(?<![\w./>-])/(?:work|farm|home|Users|root|tmp)/\w|\.\./shared\b|\b[A-Z]:\\Users\\")


def python_files(*tops: str) -> list[Path]:
    return [path for top in tops for path in sorted((ROOT / top).rglob("*.py"))]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def dotted(node: ast.AST) -> str:
    """`torch.nn.functional` of an attribute or a name, else nothing."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else node.attr
    return node.id if isinstance(node, ast.Name) else ""


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    return ((dotted(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call))


def imports(tree: ast.AST) -> set[str]:
    whole = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    parts = {
        f"{node.module}.{name.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    return whole | parts


def mutable_state(tree: ast.Module) -> list[int]:
    """Lines on which a module keeps something that can change: a display or a mutable container, or a `global`."""
    found = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Global)]
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(dotted(target) == "__all__" for target in targets):
            continue
        made = isinstance(node.value, ast.Call) and dotted(node.value.func).rsplit(".", 1)[-1] in MUTABLE
        if made or isinstance(node.value, DISPLAYS):
            found.append(node.lineno)
    return found


def unsafe(tree: ast.Module) -> list[str]:
    """What could run code out of a file, or drags in what the house does without."""
    found = [name for name in imports(tree) if name.split(".")[0] in BANNED or name in ("torch.load", "torch.save")]
    for name, call in calls(tree):
        pickled = [
            key for key in call.keywords if key.arg == "allow_pickle" and getattr(key.value, "value", None) is not False
        ]
        found += [name] if name in ("torch.load", "torch.save") or pickled else []
    return found


def offences(files: list[Path], rule) -> str:
    """What the rule finds, a line each; no file to look at is an offence too."""
    found = [f"{path.relative_to(ROOT)}: {what}" for path in files for what in rule(parsed(path))]
    return "\n".join(found) if files else "there is nothing to look at"


def texts() -> Iterator[tuple[str, str]]:
    """Every text file of the project, by its name, as git would hold it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    names = listed.stdout.splitlines() if listed.returncode == 0 else [str(path) for path in python_files(*LIMITS)]
    for name in names:
        try:
            yield name, (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue


def test_no_file_is_longer_than_its_limit():
    files = python_files(*LIMITS)
    assert len(files) > 10
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    long = {str(path.relative_to(ROOT)): count for path, count in lengths.items()}
    assert [f"{name}: {count}" for name, count in long.items() if count > LIMITS[Path(name).parts[0]]] == []


def test_imports_point_one_way():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()", "--no-cache"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", done.stdout), done.stdout


def test_every_room_stands_on_a_floor():
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert rooms - {"__init__", "__main__"} - set(TREE.floors()) == set()


def test_every_recipe_cites_an_author_and_a_year():
    from vocalise.recipes import RECIPES

    assert RECIPES
    uncited = [
        name
        for name, recipe in RECIPES.items()
        if not re.search(r"[A-Z]\w+.*\b(19|20)\d\d\b", inspect.getdoc(recipe) or "")
    ]
    assert uncited == []


def test_nobody_asks_whether_an_attribute_exists():
    assert (
        offences(python_files("src"), lambda tree: [call.lineno for name, call in calls(tree) if name == "hasattr"])
        == ""
    )


def test_no_module_keeps_mutable_state():
    assert offences(python_files("src"), mutable_state) == ""


def test_nothing_unpickles_and_nothing_unkept_is_imported():
    assert offences(python_files("src", "scripts", "benches", "examples"), unsafe) == ""


def test_no_test_passes_by_asserting_nothing():
    def vacuous(tree: ast.Module) -> list[int]:
        asserts = (node for node in ast.walk(tree) if isinstance(node, ast.Assert))
        return [node.lineno for node in asserts if isinstance(node.test, ast.Constant) and node.test.value]

    assert offences(python_files("tests", "examples"), vacuous) == ""


def test_no_machine_is_named():
    found = [f"{name}: {match[0]}" for name, text in texts() for match in MACHINE.finditer(text)]
    assert found == []


def test_every_file_of_the_package_has_a_caption():
    silent = [name for _, name, text in TREE.entries(PACKAGE, TREE.floors()) if not text and not name.endswith("/")]
    assert silent == []


def test_the_readme_shows_the_tree_as_it_is():
    blocks = [found["tree"] for found in TREE.BLOCK.finditer((ROOT / "README.md").read_text(encoding="utf-8"))]
    assert len(blocks) == 1, "README.md needs one fenced block that begins with src/vocalise/: see scripts/tree.py"

    def rows(lines: list[str]) -> list[list[str]]:
        return [re.split(r"(?<=\S)\s{2,}", line.rstrip(), maxsplit=1) for line in lines]

    assert rows(blocks[0].splitlines()) == rows(TREE.tree()), (
        "python scripts/tree.py --write brings the README up to date"
    )


def test_every_dependency_is_pinned_to_a_public_version():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split(" ;")[0].strip().split("==") for line in lines if line and not line.startswith("#"))
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    extras = [name for extra in project["project"]["optional-dependencies"].values() for name in extra]
    wanted = project["build-system"]["requires"] + project["project"]["dependencies"] + extras
    assert {re.split(r"[<>=!~\[; ]", name, maxsplit=1)[0].lower() for name in wanted} - set(pins) == set()
    assert [f"{name}=={version}" for name, version in pins.items() if "+" in version] == []


def test_every_decision_says_what_was_rejected():
    pages = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04d}" for number in range(1, len(pages) + 1)] and pages
    for page in pages:
        headings = re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Rejected"], page.name


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("CACHE = {}", 1),
        ("SEEN: set[str] = set()", 1),
        ("import collections\nTABLE = collections.defaultdict(list)", 1),
        ("SQUARES = [n * n for n in range(3)]", 1),
        ("def f():\n    global STEP\n    STEP = 1", 1),
        ("__all__ = ['a']\nNAMES = ('a', 'b')\nKNOWN = frozenset({'a'})\nTABLE = types.MappingProxyType({'a': 1})", 0),
        ("def f():\n    return {}", 0),
    ],
)
def test_the_rule_about_state_sees_what_it_should(source, lines):
    assert len(mutable_state(ast.parse(source))) == lines


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("import pickle", 1),
        ("from torchaudio import functional", 1),
        ("import torch\ntorch.load('x')", 1),
        ("import numpy\nnumpy.load('x', allow_pickle=True)", 1),
        ("import numpy\nnumpy.load('x', allow_pickle=False)", 0),
        ("from safetensors.torch import load", 0),
    ],
)
def test_the_rule_about_unpickling_sees_what_it_should(source, count):
    assert len(unsafe(ast.parse(source))) == count


@pytest.mark.parametrize("folder", ["work", "home", "tmp", "Users"])
def test_the_rule_about_machines_sees_what_it_should(folder):
    assert MACHINE.search(f"see /{folder}/ada/songs")
    assert not MACHINE.search(f"https://example.org/{folder}/ada and $DATA/{folder}/ada")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Reads waves. Writes them too.", "Reads waves"),
        ("μ-law companding (van den Oord et al., 2016, eq. 3)\nin two lines.\n\nMore.", None),
        ("Reads\nwaves.", "Reads waves"),
    ],
)
def test_a_caption_is_the_first_sentence(text, sentence):
    expected = sentence or "μ-law companding (van den Oord et al., 2016, eq. 3) in two lines"
    assert TREE.first_sentence(text) == expected
