"""The compiled module is taken if it fits; whatever is the matter with it, something else sings, and says why."""

import ast
import re
import sys
import types
from pathlib import Path

import pytest

from tests.sampling.test_columns import model_at
from tests.sampling.test_native import FORMS, wavenet
from vocalise.apps.live_setup import quicker
from vocalise.audio.live_pitch import LivePitch
from vocalise.errors import ConfigError
from vocalise.sampling.columns import by_columns
from vocalise.sampling.native import NativeWaveNet, available, library, why
from vocalise.sampling.native.library import INTERFACE, MODULE, core
from vocalise.sampling.native.sums import pitch_tracker
from vocalise.sampling.steps import RuntimeSteps

FACE = Path(library.__file__).with_name("_core.pyi")
BINDING = Path(library.__file__).resolve().parents[4] / "native" / "binding.cpp"


def old(**more):
    """The compiled module of another version: it has variants, and none of the classes that sing live."""
    module = types.ModuleType(MODULE)
    module.variants = lambda: ["portable"]
    vars(module).update(more)
    return module


@pytest.mark.parametrize("more", [{}, {"INTERFACE": INTERFACE - 1}, {"INTERFACE": INTERFACE + 1}, {"INTERFACE": "new"}])
def test_a_module_of_another_version_is_as_good_as_none_and_that_is_said(more, monkeypatch):
    monkeypatch.setitem(sys.modules, MODULE, old(**more))
    assert core() is None and available() is None
    assert "from another version of vocalise" in why() and why().endswith("install vocalise again.")
    with pytest.raises(ConfigError, match="another version"):
        NativeWaveNet(wavenet(**FORMS["one-layer"]))
    model = model_at(16_000)
    with pytest.raises(ConfigError, match="another version"):
        by_columns(model, compiled=True)
    assert isinstance(quicker(model, 1).decoder._steps, RuntimeSteps)
    assert isinstance(pitch_tracker(16_000, 160), LivePitch)


def test_without_a_module_it_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, MODULE, None)
    assert available() is None and "built without a C++ compiler" in why()
    with pytest.raises(ConfigError, match="no compiled sampler"):
        NativeWaveNet(wavenet(**FORMS["one-layer"]))


def test_a_module_that_does_not_load_is_not_taken_for_one_that_was_never_built(monkeypatch):
    def refuse(name):
        raise ImportError(f"{name}: undefined symbol")

    monkeypatch.setattr(library, "importlib", types.SimpleNamespace(import_module=refuse))
    assert available() is None and "does not load" in why() and "undefined symbol" in why()


@pytest.mark.skipif(not BINDING.is_file(), reason="there is no source of the compiled module here")
def test_both_sides_count_the_interface_alike():
    assert re.findall(r'm\.attr\("INTERFACE"\) = (\d+);', BINDING.read_text(encoding="utf-8")) == [str(INTERFACE)]


@pytest.mark.skipif(core() is None, reason=why())
def test_the_compiled_module_has_the_face_that_is_written_down():
    """Names and arguments of every function; if this fails, `INTERFACE` is to be counted up on both sides."""

    def found(where, functions):
        words = {}
        for one in functions:
            line = (getattr(where, one.name).__doc__ or "").splitlines()[0:1]
            words[one.name] = re.findall(r"(\w+): ", line[0]) if line else None
        return words

    def wanted(functions):
        return {one.name: [arg.arg for arg in one.args.args if arg.arg != "self"] for one in functions}

    module, face = core(), ast.parse(FACE.read_text(encoding="utf-8"))
    classes = [node for node in face.body if isinstance(node, ast.ClassDef)]
    assert {node.name for node in classes} == {name for name, one in vars(module).items() if isinstance(one, type)}
    for node in [face, *classes]:
        plain = [one for one in node.body if isinstance(one, ast.FunctionDef) and not one.decorator_list]
        where = module if node is face else getattr(module, node.name)
        assert found(where, plain) == wanted(plain)
