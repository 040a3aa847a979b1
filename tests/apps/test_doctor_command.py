"""`vocalise doctor` tells what a bug report needs, and fails over nothing."""

import builtins
import sys
import types

import pytest
from typer.testing import CliRunner

from vocalise.apps import installation
from vocalise.apps.cli import app
from vocalise.sampling import native
from vocalise.sampling.choice import VARIABLE
from vocalise.sampling.native.library import MODULE


@pytest.fixture(autouse=True)
def no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def told() -> dict[str, str]:
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert len(lines) == len(installation.QUESTIONS)
    return {line[: installation.WIDTH].strip(): line[installation.WIDTH :].strip() for line in lines}


def test_it_tells_what_a_bug_report_needs() -> None:
    import torch

    lines = told()
    assert set(lines) == {name for name, _ in installation.QUESTIONS} and all(lines.values())
    assert torch.__version__ in lines["PyTorch"] and "logical cores" in lines["processor"]
    assert lines["sampler"].startswith(("native", "cuda", "torch"))
    assert "VOCALISE_CACHE" in lines["cache"]
    assert lines["device"].startswith("--device auto is ")


def test_it_says_why_singing_is_slow_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "available", lambda: None)
    monkeypatch.setattr(native, "why", lambda: "This build has no compiled sampler.")
    monkeypatch.setattr("vocalise.devices.choose_device", lambda name: __import__("torch").device("cpu"))
    lines = told()
    assert lines["sampler"].startswith("torch: The PyTorch stepper sings, many times slower")
    assert "This build has no compiled sampler." in lines["sampler"]


def test_it_says_that_the_compiled_part_is_from_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, MODULE, types.ModuleType(MODULE))
    monkeypatch.setattr("vocalise.devices.choose_device", lambda name: __import__("torch").device("cpu"))
    lines = told()
    for name in ("compiled", "sampler"):
        assert "is from another version of vocalise" in lines[name] and "install vocalise again" in lines[name]
    assert lines["sampler"].startswith("torch: The PyTorch stepper sings, many times slower")


def test_wishes_that_cannot_be_met_are_told_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "abacus")
    lines = told()
    assert lines["sampler"] == "VOCALISE_SAMPLER 'abacus' is no sampler; the choices are auto, native, cuda, torch."
    assert "VOCALISE_SAMPLER=abacus" in lines["environment"]


def test_what_is_not_installed_or_broken_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: object, **more: object) -> object:
        if name.partition(".")[0] in ("onnxruntime", "sounddevice"):
            raise ImportError(name) if name.startswith("onnx") else OSError("PortAudio library not found")
        return real(name, *rest, **more)

    monkeypatch.setattr(installation, "import_module", lambda name: refuse(name))
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr("vocalise.checkpoint.has_default_voice", lambda: False)
    monkeypatch.setattr("vocalise.data.cache.cache_folder", lambda: 1 / 0)
    lines = told()
    assert lines["ONNX Runtime"] == "not installed: pip install 'vocalise[onnx]'"
    assert "does not load (PortAudio library not found)" in lines["sound card"]
    assert lines["default voice"].startswith("missing")
    assert lines["cache"] == "cannot be told (ZeroDivisionError: division by zero)"
