"""The Korean pages have every section of the English ones, in order, and the same commands; and they are Korean."""

import re
from pathlib import Path

import pytest

from tests.pages import DOCS, ROOT, blocks, headings, name, text, without_code

KOREAN = {page: DOCS / page.name for page in sorted((DOCS / "ko").glob("*.md"))} | {
    ROOT / "README.ko.md": ROOT / "README.md"
}
MARKED = re.compile(r"^<!-- en: (?P<english>.+?) -->\n(?P<depth>#+) (?P<words>.+)$", re.MULTILINE)
PLAIN = re.compile(r"(?<=[가-힣])(?:다|요|까)(?=[.?!])")
FIRST_PAGES = ("README.md", "start.md", "recordings.md", "reports.md", "choosing.md")


def translated(source: str) -> list[tuple[int, str]]:
    """Depth and English words of each heading of a Korean page."""
    return [(len(found["depth"]), found["english"]) for found in MARKED.finditer(source)]


def calls(source: str) -> list[str]:
    """What is to be typed, without what may differ between languages: comments, and text between quotation marks."""
    lines = [line for block in blocks(source) if block.kind in ("", "sh") for line in block.code.splitlines()]
    typed = [re.sub(r'"[^"]*"', '""', re.sub(r"\s+#.*$", "", line)).strip() for line in lines]
    return [line for line in typed if re.match(r"(?:\.venv/bin/)?(?:vocalise|make|python|pip)\b", line)]


def test_the_readme_and_the_first_pages_are_there():
    assert [page.name for page in KOREAN] == [*sorted(FIRST_PAGES), "README.ko.md"]


@pytest.mark.parametrize(("page", "english"), KOREAN.items(), ids=lambda page: name(page))
def test_no_section_is_missing_and_none_is_behind(page: Path, english: Path):
    source = text(page)
    assert translated(source) == headings(text(english)), "bring the Korean page up to date"
    assert len(headings(source)) == len(translated(source)), "every heading says which English one it stands for"


@pytest.mark.parametrize(("page", "english"), KOREAN.items(), ids=lambda page: name(page))
def test_the_same_is_typed_in_both_languages(page: Path, english: Path):
    assert calls(text(page)) == calls(text(english))


@pytest.mark.parametrize("page", KOREAN, ids=name)
def test_it_is_written_in_korean_and_politely(page: Path):
    source = without_code(re.sub(r"<!--.*?-->|\]\([^)]*\)", "", text(page)))
    assert len(re.findall(r"[가-힣]", source)) > len(re.findall(r"[a-zA-Z]", source))
    paragraphs = [line for line in source.splitlines() if line and line[0] not in "|#>`-0123456789"]
    blunt = re.findall(r"[가-힣]*[^니]다\.(?=\s|$)", "\n".join(paragraphs))
    assert blunt == []


def test_a_page_that_is_behind_would_be_found():
    english, korean = "# One\n\n## Two\n\n## Three\n", "<!-- en: One -->\n# 하나\n\n<!-- en: Three -->\n## 셋\n"
    assert translated(korean) == [(1, "One"), (2, "Three")] != headings(english)
    assert calls('```sh\nvocalise a --b "x"  # y\n```\n') == ['vocalise a --b ""']
    assert calls("```\nnothing of ours\n```\n") == []
