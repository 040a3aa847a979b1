"""What the tests of the manual share: its pages, their headings, links, anchors and blocks of code."""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = (*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md")), *sorted((ROOT / ".github").rglob("*.md")))
FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>`{3,})(?P<kind>\w*)\n(?P<code>.*?)^ *(?P=fence)$", re.MULTILINE | re.DOTALL
)
HEADING = re.compile(r"^(#{1,6}) (.+?)\s*$", re.MULTILINE)
LINK = re.compile(r"(?<!\\)\]\((?P<to>[^)\s]+)\)")
EXAMPLE = re.compile(
    r"^<!-- example(?:: (?P<given>[\w.]+))? -->\n```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    kind: str
    code: str


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def without_code(source: str) -> str:
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", source))


def blocks(source: str) -> list[Block]:
    return [Block(found["kind"], found["code"]) for found in FENCE.finditer(source)]


def headings(source: str) -> list[tuple[int, str]]:
    """Depth and words of each heading, in order."""
    return [(len(marks), words) for marks, words in HEADING.findall(FENCE.sub("", source))]


def slug(words: str) -> str:
    """The anchor that code hosts and the site give a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", words)
    return re.sub(r"[^\w\- ]", "", unicodedata.normalize("NFC", plain).lower()).replace(" ", "-")


def anchors(source: str) -> set[str]:
    """Those that lead to one heading only."""
    found = [slug(words) for _, words in headings(source)]
    return {one for one in found if found.count(one) == 1}


def links(source: str) -> list[str]:
    """What a page links to, but for the web."""
    found = [found["to"] for found in LINK.finditer(without_code(source))]
    return [to for to in found if not re.match(r"[a-z]+:", to)]


def shell(source: str) -> list[str]:
    """Lines that are to be typed: of blocks marked as shell or not at all, and indented ones; continued are one."""
    typed = [block.code for block in blocks(source) if block.kind in ("", "sh", "text")]
    typed += re.findall(r"^ {4}(?:vocalise|\.venv/bin/vocalise) .+$", FENCE.sub("", source), re.MULTILINE)
    return [line.strip() for code in typed for line in code.replace("\\\n", " ").splitlines() if line.strip()]
