"""The compiled sampler's own tests under sanitizers, and an installation on a machine without a compiler."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))
COMPILER = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
pytestmark = pytest.mark.slow


def run(*command, **settings):
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        **settings,
    )
    assert done.returncode == 0, f"{command[0]} failed\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def tool(name):
    found = shutil.which(name, path=os.pathsep.join([str(SCRIPTS), os.environ["PATH"]]))
    assert found, f"{name} is missing: `make setup` installs it"
    return found


@pytest.mark.skipif(COMPILER is None, reason="there is no C++ compiler on this machine")
def test_no_sanitizer_finds_anything(tmp_path):
    settings = ["-DVOCALISE_TESTS=ON", "-DVOCALISE_SANITIZE=ON", "-DCMAKE_BUILD_TYPE=Debug"]
    source = ";".join(str(ROOT / "tests" / "native" / name) for name in ("test_sampler.cpp", "test_live.cpp"))
    generator = ["-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={tool('ninja')}"]
    run(tool("cmake"), "-S", ROOT / "native", "-B", tmp_path, *generator, *settings, f"-DVOCALISE_TEST_SOURCE={source}")
    run(tool("cmake"), "--build", tmp_path)
    told = run(tmp_path / "vocalise_native_tests")
    assert told.count("off by") >= 16 and told.endswith("all is well\n")


def test_an_installation_without_a_compiler_sings_with_pytorch(tmp_path):
    checkout, hidden = tmp_path / "checkout", tmp_path / "bin"
    for name in ("src", "native"):
        leave = shutil.ignore_patterns("__pycache__", "_core*.so", "_core*.pyd", "CMakeCache.txt", "CMakeFiles")
        shutil.copytree(ROOT / name, checkout / name, ignore=leave)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    hidden.mkdir()
    for name in ("cmake", "ninja"):
        (hidden / name).symlink_to(tool(name))
    bare = {"PATH": str(hidden), "HOME": str(tmp_path), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    assert shutil.which("c++", path=str(hidden)) is None and shutil.which("cc", path=str(hidden)) is None
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    library = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (library / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")  # all that it needs, but our package
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--ignore-installed"]
    run(python, "-m", "pip", "install", *offline, checkout, env=bare, cwd=tmp_path)
    installed = library / "vocalise"
    assert (installed / "py.typed").is_file() and (installed / "voices" / "default.safetensors").is_file()
    assert not [*(installed / "sampling" / "native").glob("_core*.so")]
    script = (
        "import vocalise; from vocalise.sampling.native import available, why;"
        "print(vocalise.__file__, available(), why(), sep='|')"
    )
    place, found, reason = run(python, "-c", script, env=bare, cwd=tmp_path).strip().split("|")
    assert Path(place).is_relative_to(library) and found == "None" and "without a C++ compiler" in reason
    tests = [ROOT / "tests" / "sampling" / "test_native.py", ROOT / "tests" / "test_parity.py"]
    shutil.copytree(ROOT / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    names = [str(one.relative_to(ROOT)) for one in tests]
    told = run(python, "-m", "pytest", *names, "-q", "-rs", env=bare, cwd=tmp_path)
    assert "no compiled sampler" in told and told.split()[0].count(".") > 10
