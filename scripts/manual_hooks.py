"""What `make docs` does beyond MkDocs: files that pages point at outside of docs/ become pages of the manual.

docs/evaluation.md ──"../src/vocalise/…/catalogue.py"──▶ source/src/vocalise/…/catalogue.md, so that the manual is whole
on any disk, while the same links lead to the files themselves where the repository is read.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<=\]\()(?P<path>\.\.?/[^)#\s]+|[\w][\w./-]*)(?P<anchor>#[^)\s]*)?(?=\))")
MARK = re.compile(r"^<!-- en: .*? -->\n", re.MULTILINE)  # which English heading the next one stands for
OUTSIDE = "source"  # the folder of the site that holds such pages
LANGUAGES = {".py": "python", ".toml": "toml", ".sh": "sh", ".yml": "yaml"}


def landed(page: str, link: str) -> PurePosixPath:
    """Where a link of a page (its path under the root) leads, as a path under the root."""
    return PurePosixPath(os.path.normpath(PurePosixPath(page).parent / link))


def outside(page: str, text: str) -> Iterator[PurePosixPath]:
    """The files outside of docs/ that a page links to."""
    for found in LINK.finditer(text):
        path = landed(page, found["path"])
        if path.parts[0] not in ("docs", "..") and (ROOT / path).is_file():
            yield path


def address(path: PurePosixPath) -> PurePosixPath:
    """Which page of the manual stands for a file, as a path under the root as if it lay in docs/."""
    return PurePosixPath("docs", OUTSIDE, path.with_suffix(".md"))


def redirected(page: str, place: str, text: str) -> str:
    """The text of a page with links to outside files made to lead to their stand-ins; `place` is where it is shown."""

    def instead(found: re.Match[str]) -> str:
        path = landed(page, found["path"])
        if path.parts[0] not in ("docs", "..") and (ROOT / path).is_file():
            path = address(path)
        elif (ROOT / path / "README.md").is_file():
            path /= "README.md"  # code hosts show a folder by its README
        elif page == place:
            return found[0]
        return PurePosixPath(os.path.relpath(path, PurePosixPath(place).parent)).as_posix() + (found["anchor"] or "")

    return LINK.sub(instead, text)


def stand_in(path: PurePosixPath) -> str:
    """The page for a file: Markdown as it is, anything else as code; neither is searched."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if path.suffix == ".md":
        body = redirected(str(path), str(address(path)), text)
    else:
        body = f"# `{path}`\n\n````{LANGUAGES.get(path.suffix, 'text')}\n{text.rstrip()}\n````\n"
    return f"---\nsearch:\n  exclude: true\n---\n\n{body}"


def on_files(files: Any, *, config: Any) -> Any:
    """Adds the stand-ins, and those of what they themselves point at."""
    seen: set[PurePosixPath] = set()
    pages = [(f"docs/{file.src_uri}", file.content_string) for file in files.documentation_pages()]
    while pages:
        page, text = pages.pop()
        for path in set(outside(page, text)) - seen:
            seen.add(path)
            place = str(address(path).relative_to("docs"))
            files.append(File.generated(config, place, content=stand_in(path)))
            if path.suffix == ".md":
                pages.append((str(path), (ROOT / path).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Leads links of the manual's own pages to the stand-ins, and lets Korean pages begin with their heading."""
    place, markdown = f"docs/{page.file.src_uri}", MARK.sub("", markdown)
    return markdown if page.file.src_uri.startswith(f"{OUTSIDE}/") else redirected(place, place, markdown)


def on_post_page(output: str, *, page: Any, **_: Any) -> str:
    """Tells browsers and screen readers that Korean pages are Korean."""
    korean = page.file.src_uri.startswith("ko/")
    return re.sub(r'<html lang="\w+"', '<html lang="ko"', output, count=1) if korean else output
