"""The manual: links lead somewhere, commands and code are real, generated pages current, figures where they say."""

import ast
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import pytest
import torch
import typer

from tests.pages import DOCS, EXAMPLE, PAGES, ROOT, anchors, blocks, links, name, shell, slug, text
from tests.test_system_pages import QUOTE, body, holds, lines_of
from vocalise.apps.cli import app
from vocalise.audio.files import write_wave
from vocalise.config import override
from vocalise.data.choir.render import compose
from vocalise.recipes import RECIPES, SIZES, recipe

GROUP = typer.main.get_command(app)
STANDS = re.compile(r'<!-- stands in ([\w.]+): "(.+?)" -->')
CODED = [page for page in PAGES if page.parent.name != "systems" and page.name not in ("python.md", "CHANGELOG.md")]


def script(title: str) -> types.ModuleType:
    """One of the scripts, by its name."""
    spec = importlib.util.spec_from_file_location(f"manual_{title}", ROOT / "scripts" / f"{title}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "scripts")
        spec.loader.exec_module(module)
    return module


def broken(page: Path, source: str) -> list[str]:
    """Links of a page that lead nowhere, or to no heading."""
    found = []
    for link in links(source):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        there = target.exists() and target.is_relative_to(ROOT)
        if not there or (anchor and anchor not in anchors(text(target) if path else source)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_and_anchors_lead_somewhere(page):
    assert broken(page, text(page)) == []


def test_a_link_that_leads_nowhere_would_be_found():
    page = DOCS / "start.md"
    source = "[a](start.md) [b](no.md) [c](start.md#install) [d](start.md#no) `[e](no.md)` [f](https://example.org/x)"
    assert broken(page, source) == ["no.md", "start.md#no"], page
    assert broken(page, "# Of here\n[a](#of-here) [b](#elsewhere)") == ["#elsewhere"]


@pytest.mark.parametrize(
    ("words", "anchor"),
    [
        ("`umt`: one *a*, two", "umt-one-a-two"),
        ("What it does, and when?", "what-it-does-and-when"),
        ("학습하기 전: 의사의 소견", "학습하기-전-의사의-소견"),
    ],
)
def test_anchors_are_those_of_code_hosts(words, anchor):
    assert slug(words.replace("*", "")) == anchor


def programs(line: str) -> list[list[str]]:
    """The programs that a line of shell calls, as words; comments, assignments and joined calls are seen through."""
    words, calls = shlex.split(line, comments=True), [[]]
    for word in words:
        if word in ("|", "&&", ";"):
            calls.append([])
        elif calls[-1] or not re.match(r"\w+=", word):
            calls[-1].append(word.removeprefix(".venv/bin/"))
    return [call for call in calls if call]


def called(words: list[str]) -> tuple[typer.core.TyperCommand | None, str, list[str]]:
    """The command that words name after `vocalise`, what it is called, and what it is given."""
    group, known = GROUP, ["vocalise"]
    while isinstance(group, typer.core.TyperGroup) and words and words[0] in group.commands:
        known.append(words[0])
        group, words = group.commands[words[0]], words[1:]
    return (None if isinstance(group, typer.core.TyperGroup) else group), " ".join(known), words


def wrong(words: list[str]) -> str:
    """What is wrong with a call of `vocalise`, or nothing."""
    command, known, given = called(words)
    if command is None:
        own = {option for parameter in GROUP.params for option in parameter.opts}
        own |= {"--help", "-h", "--install-completion", "--show-completion"}
        return "" if given and set(given) <= own else f"{known} has no {given[:1]}"
    options = {option: one for one in command.params for option in (*one.opts, *one.secondary_opts)}
    asked = [word.split("=")[0] for word in given if word.startswith("--")]
    strange = [word for word in asked if word not in {*options, "--help"}]
    needed = [one.opts[0] for one in command.params if one.required and one.opts[0].startswith("-")]
    missing = [option for option in needed if option not in asked and "--help" not in asked]
    if "…" in "".join(given) or "[OPTIONS]" in given:
        missing = []
    return f"{known}: there is no {strange}; {missing} is needed" if strange or missing else ""


def unset(words: list[str]) -> str:
    """What is wrong with the recipe, size and settings of a training, or nothing."""
    if words[:1] != ["train"] or "[OPTIONS]" in words:
        return ""
    size = words[words.index("--size") + 1] if "--size" in words else "small"
    if words[1] not in RECIPES or size not in SIZES:
        return f"no recipe {words[1]} of size {size}"
    chosen = recipe(words[1], size)
    for place, word in enumerate(words):
        chosen = override(chosen, words[place + 1]) if word == "--set" else chosen
    return ""


def not_there(words: list[str]) -> str:
    """What is wrong with a call of any program of ours, or nothing."""
    program, *given = words
    if program == "vocalise":
        return wrong(given) or unset(given)
    if program == "make":
        tasks = [word for word in given if "=" not in word]
        return "" if set(tasks) <= set(script("environment").TASKS) else f"make has no task {tasks}"
    if program in ("python", "python3") and given and given[0].endswith(".py"):
        return "" if (ROOT / given[0]).is_file() else f"there is no {given[0]}"
    if program == "pip":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        extras = {one for word in given for found in re.findall(r"\[(.+)\]", word) for one in found.split(",")}
        return "" if extras <= set(project["optional-dependencies"]) else f"no extra {extras}"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_is_to_be_typed_exists(page):
    ours = re.compile(r"^(?:\w+=\S+ )?(?:\.venv/bin/)?(?:vocalise|make|python3?|pip)\s")
    lines = [line for line in shell(text(page)) if ours.match(line)]
    faults = [f"{line}: {fault}" for line in lines for call in programs(line) if (fault := not_there(call))]
    assert faults == []


@pytest.mark.parametrize("page", [*PAGES, *sorted((ROOT / ".github").rglob("*.yml"))], ids=name)
def test_commands_named_in_a_sentence_exist(page):
    """`vocalise word` between backticks names a command; a word in capitals stands for any."""
    called_so = re.findall(r"`vocalise (\w[\w-]*)", text(page))
    assert {one for one in called_so if not one.isupper()} - set(GROUP.commands) == set()


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("vocalise convert a.wav --to Ada --out b.wav  # a comment", False),
        (".venv/bin/vocalise listen results key.json", False),
        ("OMP_NUM_THREADS=1 vocalise train aria data --out run --set model.encoder.channels=32", False),
        ("vocalise --install-completion", False),
        ("vocalise konvert a.wav --out b.wav", True),
        ("vocalise convert a.wav --to Ada", True),
        ("vocalise convert a.wav --out b.wav --loudly", True),
        ("vocalise train aria data --out run --set model.encoder.chanels=32", True),
        ("vocalise train arai data --out run", True),
        ("vocalise choir out && vocalise chek out", True),
        ("make test-all", False),
        ("make supper", True),
        ("python scripts/tree.py --write", False),
        ("python scripts/three.py", True),
        ('pip install -e ".[media,live]"', False),
        ('pip install -e ".[midea]"', True),
    ],
)
def test_a_line_that_cannot_be_typed_would_be_found(line, fault):
    def found():
        return [fault for call in programs(line) if (fault := not_there(call))]

    if "chanels" in line:
        with pytest.raises(Exception, match="chanels"):
            found()
    else:
        assert bool(found()) is fault


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=name)
def test_songs_that_pages_name_are_sung_by_the_choir_they_render(page):
    source = text(page)
    shared = text(DOCS / "systems" / "README.md") if page.parent.name == "systems" else source
    rendered = re.findall(r"vocalise choir \S+ .*--minutes ([\d.]+)", shared)
    named = set(re.findall(r"choir/[A-Z]\w+/(\d\d-[\w-]+)\.wav", source))
    there = {song.name for minutes in rendered for song in compose(float(minutes), 0)}
    assert named - there == set()


@pytest.mark.parametrize("page", CODED, ids=name)
def test_python_in_a_page_compiles(page):
    quoted = {code for _, _, code in QUOTE.findall(text(page))}
    for block in blocks(text(page)):
        if block.kind == "python" and block.code not in quoted:
            ast.parse(block.code)


@pytest.mark.parametrize("page", CODED, ids=name)
def test_what_a_page_quotes_stands_in_the_source(page):
    for path, of, code in QUOTE.findall(text(page)):
        assert holds(body(text(ROOT / path), of), lines_of(code)), f"{path}, {of}: {code}"


def examples() -> list:
    """Examples that are told to run, each once: a translation differs in comments only."""
    found = {}
    for page in sorted(CODED, key=lambda page: page.parent.name == "ko"):
        for example in EXAMPLE.finditer(text(page)):
            found.setdefault(ast.dump(ast.parse(example["code"])), (name(page), example["given"], example["code"]))
    return [pytest.param(*rest, id=where) for where, *rest in found.values()]


def test_there_are_examples_and_a_translation_is_not_run_twice():
    where = [one.id for one in examples()]
    assert "docs/start.md" in where and "docs/ko/start.md" not in where and len(where) >= 3


@pytest.mark.parametrize(("given", "code"), examples())
def test_examples_run(given, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType("example_of_the_manual")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    if given:
        time = torch.arange(8000) / 16_000
        write_wave(tmp_path / given, sum(0.1 / n * torch.sin(1382.0 * n * time) for n in range(1, 9)), 16_000)
    exec(compile(code, "example", "exec"), vars(module))
    if given:
        assert [path.name for path in tmp_path.iterdir() if path.name != given]


def test_generated_pages_are_current():
    """In a process of its own: what other tests have imported or replaced would be described as well."""
    told = [sys.executable, str(ROOT / "scripts" / "reference.py")]
    done = subprocess.run(told, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    commands = text(DOCS / "commands.md")
    assert all(f"## `vocalise {command}`" in commands for command in GROUP.commands if command != "listen")
    assert "## `vocalise listen make`" in commands and "`vocalise.morph`" in text(DOCS / "python.md")


def test_help_that_would_be_markup_becomes_code():
    reference = script("reference")
    assert reference.plain("DATA/<singer>/**/*, or | `a*b`") == "`DATA/<singer>/**/*`, or \\| `a*b`"
    assert reference.shown_default(0) == "`0`" and reference.shown_default(None) == "" == reference.shown_default(False)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_figures_stand_where_a_page_says(page):
    missing = [(where, what) for where, what in STANDS.findall(text(page)) if what not in text(DOCS / where)]
    assert missing == []


def test_pages_that_repeat_figures_say_where_they_stand():
    assert all(len(STANDS.findall(text(DOCS / page))) >= 3 for page in ("limits.md", "choosing.md", "samplers.md"))


def test_the_site_has_every_page_once_and_fetches_nothing():
    settings = text(ROOT / "mkdocs.yml")
    listed = re.findall(r"^ +- (?:[^:\n]+: )?([\w/-]+\.md)$", settings.split("\nnav:")[1], re.MULTILINE)
    assert sorted(listed) == sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))
    assert "font: false" in settings and "://" not in settings and "strict: true" in settings


@pytest.mark.parametrize(("typed", "offered"), [("vocalise tra", "train"), ("vocalise convert --trans", "--transpose")])
def test_the_tab_key_knows_commands_and_options(typed, offered):
    asked = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1), "_VOCALISE_COMPLETE": "complete_bash"}
    script = "from vocalise.apps.cli import main; main()"
    around = {**os.environ, **asked, "PYTHONPATH": str(ROOT / "src")}
    ended = subprocess.run([sys.executable, "-c", script], env=around, capture_output=True, text=True, check=False)
    assert ended.stdout.split() == [offered], ended.stderr


def test_the_container_is_made_as_the_page_says():
    file = text(ROOT / "Dockerfile")
    told = set(re.findall(r"--build-arg (\w+)=", file + text(DOCS / "install.md")))
    assert told and told <= set(re.findall(r"^ARG (\w+)=", file, re.MULTILINE))
    taken = {line[1:] for line in text(ROOT / ".dockerignore").splitlines() if line.startswith("!")}
    assert {"src", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"} <= taken
    extras = re.search(r"^ARG EXTRAS=(.+)$", file, re.MULTILINE)[1]
    assert not_there(["pip", "install", f"vocalise[{extras}]"]) == ""


@pytest.mark.slow
def test_the_manual_is_built_without_a_warning_and_needs_no_network(tmp_path):
    pytest.importorskip("mkdocs")
    pytest.importorskip("material")
    ended = script("docs").build(tmp_path / "site")
    assert ended == 0
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert len(pages) >= len(list(DOCS.rglob("*.md")))
    fetched = re.compile(r'<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)="(?:https?:)?//', re.IGNORECASE)
    assert [page.name for page in pages if fetched.search(text(page))] == []
