"""The page of benchmarks, in sections: a run replaces its own and leaves the others as they are."""

import re
from collections.abc import Mapping

TITLE = "# Benchmarks"


def merged(page: str, sections: Mapping[str, str]) -> str:
    """The page with these sections in the place of those of the same names; new ones stand at the end."""
    for name, text in sections.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        whole = f"{begin}\n\n{text.strip()}\n\n{end}"
        pattern = re.compile(rf"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        found = pattern.search(page)
        added = f"{page.strip() or TITLE}\n\n{whole}\n"
        page = page[: found.start()] + whole + page[found.end() :] if found else added
    return page
