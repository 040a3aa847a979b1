"""The pages of docs/systems: each recipe has one, quotes stand in the source, and what is to be typed exists."""

import ast
import importlib
import re
import shlex
from pathlib import Path

import pytest
import torch
import typer
from click import Command

from vocalise.apps.cli import app
from vocalise.config import override
from vocalise.recipes import RECIPES, recipe

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted((ROOT / "docs" / "systems").glob("*.md"))
SYSTEMS = [page for page in PAGES if page.stem != "README"]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUOTE = re.compile(r"`(src/vocalise/[\w/]+\.py)`, `([\w.]+)`:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADINGS = ("The idea", "The picture", "What to try", "What it sounds like when it fails", "References")


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def lines_of(code: str) -> list[str]:
    return [line.strip() for line in code.splitlines() if line.strip()]


def body(source: str, name: str) -> list[str]:
    """The lines of a function, by its qualified name."""
    place: ast.AST = ast.parse(source)
    for part in name.split("."):
        kinds = ast.ClassDef | ast.FunctionDef
        place = next(node for node in ast.iter_child_nodes(place) if isinstance(node, kinds) and node.name == part)
    return lines_of(ast.get_source_segment(source, place) or "")


def holds(whole: list[str], quoted: list[str]) -> bool:
    return any(whole[n : n + len(quoted)] == quoted for n in range(len(whole) - len(quoted) + 1)) and bool(quoted)


def typed(page: Path) -> list[list[str]]:
    """Every command line of a page, as words."""
    shells = [code for kind, code in BLOCK.findall(text(page)) if kind == "sh"]
    return [shlex.split(line) for code in shells for line in code.splitlines() if line.strip()]


def test_every_recipe_has_a_page_and_the_index_leads_to_all() -> None:
    assert [page.stem for page in SYSTEMS] == sorted(RECIPES)
    index = text(ROOT / "docs" / "systems" / "README.md")
    assert all(f"({page.name})" in index for page in SYSTEMS)


@pytest.mark.parametrize("page", SYSTEMS, ids=lambda page: page.stem)
def test_a_page_has_all_its_parts(page: Path) -> None:
    headings = re.findall(r"^## (.+)$", text(page), re.MULTILINE)
    assert set(HEADINGS) <= set(headings)
    assert text(page).startswith(f"# `{page.stem}`: ")
    references = text(page).split("## References")[1]
    assert len(re.findall(r"\((?:19|20)\d\d", references)) >= 1
    assert len(QUOTE.findall(text(page))) >= 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_quoted_stands_in_the_source(page: Path) -> None:
    quotes = QUOTE.findall(text(page))
    assert len(quotes) == sum(kind == "python" for kind, _ in BLOCK.findall(text(page)))  # none without its place
    for path, name, code in quotes:
        assert len(lines_of(code)) <= 6, f"{name}: a quote is short"
        assert holds(body((ROOT / path).read_text(encoding="utf-8"), name), lines_of(code)), f"{path}, {name}: {code}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", BLOCK.sub("", text(page)))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_to_be_typed_exists(page: Path) -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for program, name, *words in typed(page):
        assert program == "vocalise" and name in commands
        command: Command = commands[name]
        context = command.make_context(name, list(words), resilient_parsing=True)
        known = {option for parameter in command.params for option in parameter.opts + parameter.secondary_opts}
        assert [word for word in words if word.startswith("--") and word not in known] == [], context.info_name
        if name == "train":
            chosen = recipe(words[0], words[words.index("--size") + 1])
            for place, word in enumerate(words):
                chosen = override(chosen, words[place + 1]) if word == "--set" else chosen


def test_a_quote_that_is_not_in_the_source_would_be_found() -> None:
    source = "class A:\n    def f(self):\n        a = 1\n        b = 2\n"
    assert holds(body(source, "A.f"), ["a = 1", "b = 2"])
    assert not holds(body(source, "A.f"), ["a = 1", "b = 3"])
    assert not holds(body(source, "A.f"), [])
    assert not holds(body(source, "A.f"), ["b = 2", "a = 1"])


@pytest.fixture(scope="module")
def figures():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "scripts")
        yield importlib.import_module("figures")


def test_every_picture_is_drawn_by_the_script_is_used_and_is_small(figures) -> None:
    drawn = {path.stem: path.stat().st_size for path in (ROOT / "docs" / "pictures" / "systems").iterdir()}
    used = set(re.findall(r"pictures/systems/([\w-]+)\.png", "".join(map(text, PAGES))))
    assert set(drawn) == set(figures.PICTURES) == used
    assert max(drawn.values()) < 100_000


def test_the_picture_of_distances_tells_the_truth(figures) -> None:
    js, w1 = figures.distances(torch.tensor([0.0, 1.0, 3.0, 6.0]))
    assert torch.allclose(w1, torch.tensor([0.0, 1.0, 3.0, 6.0]).double(), atol=1e-3)
    assert js[0] < 1e-9 and 0.1 < js[1] < 0.5 and abs(float(js[3]) - 0.6931) < 1e-3


@pytest.mark.slow
def test_all_pictures_can_be_drawn(figures, tmp_path) -> None:
    written = figures.draw_all(tmp_path)
    assert [path.stem for path in written] == list(figures.PICTURES) and all(path.stat().st_size for path in written)
