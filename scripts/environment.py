"""Sets the project up in `.venv` and runs its tasks there; the Makefile only calls this file.

Without make (Windows): `python scripts/environment.py demo`, and `test`, `check` and the rest alike. Only the standard
library, and only syntax that Python 3.8 reads: an old Python must get as far as saying that it is too old.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import machine
from machine import MINIMUM, Refusal

EXTRAS = {"run": "", "dev": "[dev]", "docs": "[docs]"}
KINDS = {"demo": "run", "docs": "docs"}  # what a task needs, where it is not the developers' tools
SIDE_BY_SIDE = ("-n", "auto", "--maxprocesses", "4", "--dist", "worksteal")  # four at most, for their memory

TASKS = {
    "demo": "set up, then hear it work: render a choir, train on it, convert a song, write a page into demo/",
    "test": "set up, then run the tests (under five minutes)",
    "test-all": "run the slow tests as well",
    "check": "look at format, lint, types and the direction of imports",
    "bench": "measure the speed of training and sampling on this machine",
    "figures": "draw the pictures of docs/systems again, from the code",
    "docs": "build the manual into site/, as pages that need no network",
    "setup": "only set up, with the developers' tools",
    "clean": "remove caches, build products and demo/ (the environment stays: it is the folder .venv)",
    "help": "print this list",
}


def say(text: str) -> None:
    """Prints at once, so that the order holds when a child process prints too."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Environment:
    """The virtual environment of one checkout, with a record of what was installed from which pins."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.python = self.command("python")
        self._record = self.folder / "vocalise.json"

    def command(self, name: str) -> Path:
        """Where a command of the environment lies."""
        return self.folder / "Scripts" / f"{name}.exe" if os.name == "nt" else self.folder / "bin" / name

    def record(self) -> dict[str, object]:
        """What the last set-up wrote down; empty when there is none, or when it is no record."""
        try:
            found = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def note(self, **facts: object) -> None:
        """Writes facts into the record, aside and then renamed."""
        aside = self._record.with_name(".vocalise.json.new")
        aside.write_text(json.dumps({**self.record(), "root": str(self.root), **facts}, indent=1), encoding="utf-8")
        aside.replace(self._record)

    def fingerprint(self) -> str:
        """Changes when the packages to install change, or the sources that are compiled."""
        sources = sorted(page for page in (self.root / "native").glob("*") if page.suffix in (".h", ".cpp"))
        pages = [self.root / name for name in ("pyproject.toml", "constraints.txt", "native/CMakeLists.txt")] + sources
        return hashlib.sha256(b"\0".join(page.read_bytes() for page in pages)).hexdigest()

    def ready(self, kind: str, version: tuple[int, ...]) -> bool:
        """Whether nothing has to be done; a launching Python that is too old may use an environment that exists."""
        record = self.record()
        same = record.get("python") == list(version[:2]) or version < MINIMUM
        whole = record.get("root") == str(self.root) and not record.get("unfinished") and self.python.exists()
        return whole and same and record.get(kind) == self.fingerprint()

    def fault(self) -> str | None:
        """Why the existing folder cannot be built upon, or None when it can."""
        record = self.record()
        if record.get("unfinished"):
            return "the last set-up was interrupted"
        if record.get("root", str(self.root)) != str(self.root):
            return "the folder has moved"
        shown = machine.output([str(self.python), "-c", "import pip, sys; print(*sys.version_info[:2], sep='.')"])
        if shown is None:
            return "its Python or its pip does not run"
        wanted = f"{sys.version_info[0]}.{sys.version_info[1]}"
        return None if shown == wanted else f"it holds Python {shown} and this is {wanted}"

    def set_up(self, kind: str) -> None:
        """Makes or mends the environment, then installs the pinned packages and the project itself (editable)."""
        fault = self.fault() if self.folder.exists() else None
        if fault:
            say(f"The environment in {self.folder} is made anew: {fault}.")
            self.remove()
        if not self.folder.exists():
            self.create()
        self.announce(kind)
        index = os.environ.get("TORCH_INDEX")
        if index and not self.has_torch():
            self.install("--no-deps", "--index-url", index, "torch")
        self.install("-e", "." + EXTRAS[kind])
        self.note(python=list(sys.version_info[:2]), **dict.fromkeys({"run", kind}, self.fingerprint()))
        say("The environment is ready.")

    def has_torch(self) -> bool:
        """Whether some build of PyTorch is there already."""
        base = {"base": str(self.folder), "platbase": str(self.folder)}
        return any(Path(sysconfig.get_path("purelib", "venv", base)).glob("torch-*.dist-info"))

    def announce(self, kind: str) -> None:
        """Says what will be downloaded before it starts."""
        configuration = machine.output([str(self.python), "-m", "pip", "config", "list"]) or ""
        torch = machine.torch_megabytes(platform.system(), machine.cpu_build_found(configuration))
        torch = 0 if self.has_torch() else torch
        packages = machine.BASE_MB + {"dev": machine.DEV_MB, "docs": machine.DOCS_MB}.get(kind, 0)
        task = {"run": "demo", "dev": "test"}.get(kind, kind)
        for line in machine.announcement(packages, torch, task, machine.nvidia_card()):
            say(line)
        if not self.record().get("run"):
            machine.require_room(self.root, machine.room_megabytes(packages, torch))

    def create(self) -> None:
        """Makes the empty environment; interrupted, it is known as unfinished."""
        machine.require_modules()
        say(f"Making a virtual environment with Python {platform.python_version()} in {self.folder}")
        self.folder.mkdir()
        self.note(unfinished=True)
        # Not this interpreter: the script may itself run in the environment that has just been removed.
        base = str(getattr(sys, "_base_executable", sys.executable))
        code, lines = stream([base, "-m", "venv", str(self.folder)], self.root)
        if code:
            raise Refusal(f"No environment can be made in {self.folder}: {machine.remedy(lines)}", lines)
        self.note(unfinished=False)

    def remove(self) -> None:
        """Removes the environment, its Python first: what an interruption leaves cannot be taken for a whole one."""
        try:
            self.python.unlink(missing_ok=True)
            shutil.rmtree(self.folder)
        except OSError as error:
            advice = "close what uses it, or remove it yourself, then type the same command again"
            raise Refusal(f"{self.folder} cannot be removed ({error.strerror}): {advice}.") from None

    def install(self, *arguments: str) -> None:
        """Runs pip under the project's constraints; until it is through unpacking, the environment is unfinished."""

        def watch(line: str) -> None:
            found = re.match(r"\s*Downloading (\S+) \(([\d.]+ [MG]B)\)", line)
            if found:
                say(f"  downloading {found[1].rsplit('/', 1)[-1]} ({found[2]})")
            elif line.startswith("Installing collected packages"):
                names = line.partition(":")[2].split(",")
                say(f"  installing {len(names)} packages" if len(names) > 1 else f"  installing {names[0].strip()}")
                self.note(unfinished=True)

        command = [str(self.python), "-m", "pip", "install", "-c", "constraints.txt", *arguments]
        code, lines = stream(command, self.root, watch)
        if code:
            raise Refusal(f"pip could not install the packages: {machine.remedy(lines)}", lines)
        self.note(unfinished=False)


def pip_surroundings() -> dict[str, str]:
    """Environment variables for pip: the project's pins hold for builds too, and nothing leads out of `.venv`."""
    astray = ("PYTHONPATH", "PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV")
    kept = {name: value for name, value in os.environ.items() if name not in astray}
    # Relative to the checkout, where pip is started: it splits these variables at spaces, which a full path may hold.
    pins = " ".join(filter(None, (kept.get("PIP_CONSTRAINT"), "constraints.txt")))
    pinned = {"PIP_CONSTRAINT": pins, "PIP_BUILD_CONSTRAINT": pins}
    return {
        **kept,
        **pinned,
        "PIP_NO_INPUT": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
    }


def stream(command: list[str], folder: Path, watch: Callable[[str], None] | None = None) -> tuple[int, tuple[str, ...]]:
    """Runs a command and shows each line of its output to `watch`; returns its exit code and its last lines."""
    last: collections.deque[str] = collections.deque(maxlen=200)
    try:
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=pip_surroundings(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        return 1, (str(error),)
    with child:
        for line in child.stdout or ():
            if line.strip():
                last.append(line.rstrip())
            if watch:
                watch(line.rstrip())
    return child.returncode, tuple(last)


def run(command: list[str], folder: Path) -> int:
    """Runs a task in the foreground; Ctrl-C is the task's own affair (training saves, and says how to go on)."""
    child = subprocess.Popen(command, cwd=folder)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = child.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else 128 - code


def commands(task: str, environment: Environment, rest: list[str]) -> list[list[str]]:
    """What a task runs inside the environment."""
    python, vocalise, imports = (str(environment.command(name)) for name in ("python", "vocalise", "lint-imports"))
    ruff, types = [python, "-m", "ruff"], [python, "-m", "mypy"]
    return {
        "demo": [[vocalise, "demo", "--out", "demo", *rest]],
        "test": [[python, "-m", "pytest", *SIDE_BY_SIDE, *rest]],
        "test-all": [[python, "-m", "pytest", "-m", "not gpu and not browser", *rest]],
        "check": [[*ruff, "format", "--check", "."], [*ruff, "check", "."], types, [imports]],
        "bench": [[python, str(Path("benches", "run.py")), *rest]],
        "figures": [[python, str(Path("scripts", "figures.py")), *rest]],
        "docs": [[python, str(Path("scripts", "docs.py")), *rest]],
    }.get(task, [])


def clean(root: Path) -> None:
    """Removes what can be made again, except the environment."""
    caches = [f".{tool}_cache" for tool in ("mypy", "ruff", "pytest", "import_linter")]
    names = ["build", "dist", "demo", "site", ".hypothesis", *caches]
    tops = (root / top for top in ("src", "tests", "scripts", "benches", "examples"))
    for folder in [root / name for name in names] + [found for top in tops for found in top.rglob("__pycache__")]:
        shutil.rmtree(folder, ignore_errors=True)


def perform(task: str, rest: list[str], environment: Environment) -> int:
    """Sets up what the task needs, then does it all; returns the exit code of the first command that failed."""
    kind = KINDS.get(task, "dev")
    version = tuple(sys.version_info[:2])
    if not environment.ready(kind, version):
        machine.require_python(version, task, None if version >= MINIMUM else machine.newer_python())
        machine.require_system(platform.system(), platform.machine(), sys.maxsize > 2**32)
        environment.set_up(kind)
    codes = [run(command, environment.root) for command in commands(task, environment, rest)]
    return next((code for code in codes if code), 0)


def main(arguments: list[str]) -> int:
    """The command line; returns the exit code."""
    table = "\n".join(f"  {name:<10}{text}" for name, text in TASKS.items())
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        usage="make TASK [ARGS='...']", description=table, formatter_class=form, add_help=False
    )
    parser.add_argument("task", nargs="?", choices=[*TASKS], default="help", metavar="TASK", help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    environment = Environment(Path(__file__).resolve().parent.parent)
    try:
        if options.task == "help":
            say(parser.format_help().strip())
        elif options.task == "clean":
            clean(environment.root)
        else:
            return perform(options.task, options.rest, environment)
    except Refusal as refusal:
        sys.stderr.write("".join(f"  {line}\n" for line in refusal.lines[-12:]) + f"{refusal}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Stopped; the same command starts again where it can.\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
