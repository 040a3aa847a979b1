"""Builds the manual into site/: pages that need no network, neither now nor when they are read.

`python scripts/docs.py`, or `make docs`; with `--serve` they are shown on this machine and follow changes.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def build(folder: Path | None = None, task: str = "build") -> int:
    """Runs MkDocs, strictly: a warning is an error; returns the exit code."""
    where = [] if folder is None else ["--site-dir", str(folder)]
    surroundings = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT / "scripts")}
    command = [sys.executable, "-m", "mkdocs", task, "--strict", *where]
    return subprocess.run(command, cwd=ROOT, env=surroundings, check=False).returncode


def main() -> int:
    """Builds, or serves; returns the exit code."""
    if "--serve" in sys.argv[1:]:
        return build(task="serve")
    code = build()
    if not code:
        sys.stdout.write(f"The manual is {ROOT / 'site' / 'index.html'}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
