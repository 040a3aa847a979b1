"""The set-up script: what it refuses, what it says, and how it mends an environment; nothing here needs a network."""

import importlib.util
import json
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
NOW = tuple(sys.version_info[:2])


def load(name: str):
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


machine = load("machine")
environment = load("environment")


SOURCES = ["pyproject.toml", "constraints.txt", "native/CMakeLists.txt", "native/engine.h", "native/sampler.cpp"]


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "native").mkdir()
    for name in SOURCES:
        shutil.copy(SCRIPTS.parent / name, tmp_path / name)
    return tmp_path


class Rehearsed(environment.Environment):
    """An environment whose pip succeeds at once and only writes down what it was asked for."""

    def __init__(self, root):
        super().__init__(root)
        self.asked = []

    def create(self):
        self.asked.append("create")
        self.python.parent.mkdir(parents=True)
        self.python.touch()

    def install(self, *arguments):
        self.asked.append(arguments)


def one_line(refusal) -> str:
    text = str(refusal.value)
    assert "\n" not in text
    return text


def test_an_old_python_is_refused_in_one_line_with_the_remedy():
    with pytest.raises(machine.Refusal) as refusal:
        machine.require_python((3, 9), "demo", None)
    text = one_line(refusal)
    assert text.startswith("Python 3.11 or newer is needed, this is 3.9: install")
    assert "make demo PYTHON=" in text


def test_an_old_python_points_to_a_newer_one_where_there_is_one():
    with pytest.raises(machine.Refusal, match=r"python3\.12 is installed: type `make test PYTHON=python3\.12`"):
        machine.require_python((3, 10), "test", "python3.12")


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
def test_a_python_that_is_new_enough_passes(version):
    assert machine.require_python(version, "demo", None) is None


def test_a_python_without_venv_is_refused_with_the_package_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else object())
    with pytest.raises(machine.Refusal) as refusal:
        machine.require_modules()
    assert f"lacks ensurepip: install it (Debian, Ubuntu: sudo apt install python{NOW[0]}.{NOW[1]}-venv" in one_line(
        refusal
    )


@pytest.mark.parametrize(
    ("system", "processor", "wide"),
    [("Darwin", "x86_64", True), ("Windows", "ARM64", True), ("Linux", "x86_64", False)],
)
def test_a_system_without_pytorch_is_refused_before_the_download(system, processor, wide):
    with pytest.raises(machine.Refusal, match="install"):
        machine.require_system(system, processor, wide)


@pytest.mark.parametrize(
    ("system", "processor"), [("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64"), ("Windows", "AMD64")]
)
def test_a_system_with_pytorch_passes(system, processor):
    assert machine.require_system(system, processor, True) is None


def test_linux_without_a_card_is_told_how_to_spare_the_cuda_libraries():
    heavy = machine.torch_megabytes("Linux", cpu_build=False)
    said = " ".join(machine.announcement(120, heavy, "demo", card=False))
    assert "Up to 2.9 GB will be downloaded" in said
    assert f"make demo TORCH_INDEX={machine.CPU_INDEX}" in said


@pytest.mark.parametrize(
    ("system", "cpu", "card"), [("Linux", False, True), ("Linux", True, False), ("Darwin", False, False)]
)
def test_others_are_told_the_size_only(system, cpu, card):
    said = machine.announcement(120, machine.torch_megabytes(system, cpu), "demo", card)
    assert len(said) == 1
    assert re.fullmatch(r"Up to \d\.\d GB will be downloaded, .* GB on disk\.", said[0])


def test_a_folder_with_a_cpu_build_is_found_in_pips_settings(tmp_path, monkeypatch):
    monkeypatch.delenv("TORCH_INDEX", raising=False)
    settings = f"global.cert='a.crt'\nglobal.find-links='{tmp_path}'\n"
    assert not machine.cpu_build_found(settings)
    (tmp_path / "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl").touch()
    assert machine.cpu_build_found(settings)


def test_an_index_of_cpu_builds_is_known_by_its_address(monkeypatch):
    monkeypatch.delenv("TORCH_INDEX", raising=False)
    assert machine.cpu_build_found(f"global.extra-index-url='{machine.CPU_INDEX}'")
    assert not machine.cpu_build_found("global.index-url='https://pypi.org/simple'")
    monkeypatch.setenv("TORCH_INDEX", machine.CPU_INDEX)
    assert machine.cpu_build_found("")


def test_a_full_disk_is_refused_with_both_figures(tmp_path):
    with pytest.raises(machine.Refusal, match=r"1000000000\.0 GB are needed in .* GB are free"):
        machine.require_room(tmp_path, 1e12)


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("OSError: [Errno 28] No space left on device", "make room"),
        ("Failed to establish a new connection: Temporary failure in name resolution", "check the network"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", "PIP_CERT"),
        ("ERROR: No matching distribution found for torch==2.13.0", "no build for this Python"),
        ("something never seen", "the lines above"),
    ],
)
def test_each_failure_of_pip_has_its_remedy(line, advice):
    assert advice in machine.remedy(("Collecting torch", line))


def test_a_failed_pip_shows_its_last_lines_and_leaves_the_old_environment_alone(checkout, monkeypatch):
    house = environment.Environment(checkout)
    house.folder.mkdir()
    house.note(run="earlier")
    script = "import sys; [print('line', n) for n in range(30)]; print('Network is unreachable'); sys.exit(2)"
    plain = environment.stream
    monkeypatch.setattr(
        environment, "stream", lambda command, folder, watch: plain([sys.executable, "-c", script], folder, watch)
    )
    with pytest.raises(machine.Refusal, match="check the network") as refusal:
        house.install("-e", ".")
    assert refusal.value.lines[-2:] == ("line 29", "Network is unreachable")
    assert house.record() == {"root": str(checkout), "run": "earlier"}


def test_an_interruption_while_pip_unpacks_leaves_the_environment_unfinished(checkout, monkeypatch):
    house = environment.Environment(checkout)
    house.folder.mkdir()

    def interrupted(command, folder, watch):
        watch("Installing collected packages: numpy, torch")
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "stream", interrupted)
    with pytest.raises(KeyboardInterrupt):
        house.install("-e", ".")
    assert house.record()["unfinished"] is True
    assert "interrupted" in house.fault()


def test_the_second_set_up_has_nothing_to_do(checkout):
    house = Rehearsed(checkout)
    assert not house.ready("run", NOW)
    house.set_up("run")
    assert house.ready("run", NOW)
    assert house.asked == ["create", ("-e", ".")]


def test_the_developers_set_up_serves_the_demo_but_not_the_other_way_round(checkout):
    house = Rehearsed(checkout)
    house.set_up("run")
    assert not house.ready("dev", NOW)
    shutil.rmtree(house.folder)
    house.set_up("dev")
    assert house.ready("run", NOW) and house.ready("dev", NOW)
    assert house.asked[-1] == ("-e", ".[dev]")


@pytest.mark.parametrize("name", SOURCES)
def test_other_pins_or_sources_mean_another_set_up(checkout, name):
    house = Rehearsed(checkout)
    house.set_up("run")
    with (checkout / name).open("a", encoding="utf-8") as file:
        file.write("\n# another line\n")
    assert not house.ready("run", NOW)


def test_another_python_means_another_set_up_unless_it_is_too_old_to_make_one(checkout):
    house = Rehearsed(checkout)
    house.set_up("run")
    assert not house.ready("run", (NOW[0], NOW[1] + 1))
    assert house.ready("run", (3, 9))


def test_the_index_of_small_builds_is_asked_for_pytorch_alone(checkout, monkeypatch):
    monkeypatch.setenv("TORCH_INDEX", machine.CPU_INDEX)
    house = Rehearsed(checkout)
    house.set_up("run")
    assert house.asked[1:] == [("--no-deps", "--index-url", machine.CPU_INDEX, "torch"), ("-e", ".")]


def test_half_an_environment_is_made_anew(checkout, capsys):
    house = Rehearsed(checkout)
    (house.folder / "lib").mkdir(parents=True)
    house.set_up("run")
    assert "made anew: its Python or its pip does not run" in capsys.readouterr().out
    assert house.asked[0] == "create" and not (house.folder / "lib").exists()


def test_an_unreadable_record_counts_as_none(checkout):
    house = Rehearsed(checkout)
    house.set_up("run")
    (house.folder / "vocalise.json").write_text("{'half", encoding="utf-8")
    assert not house.ready("run", NOW)


def test_a_moved_checkout_is_noticed(checkout):
    house = Rehearsed(checkout)
    house.set_up("run")
    record = json.loads((house.folder / "vocalise.json").read_text(encoding="utf-8"))
    (house.folder / "vocalise.json").write_text(json.dumps({**record, "root": "elsewhere"}), encoding="utf-8")
    assert not house.ready("run", NOW)
    assert house.fault() == "the folder has moved"


def test_an_environment_without_pip_is_noticed_and_a_whole_one_is_kept(checkout):
    house = environment.Environment(checkout)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(house.folder)], check=True)
    assert house.fault() == "its Python or its pip does not run"
    site = next((house.folder / ("Lib" if platform.system() == "Windows" else "lib")).rglob("site-packages"))
    (site / "pip.py").touch()
    assert house.fault() is None


def test_nothing_leads_pip_out_of_the_environment(monkeypatch):
    monkeypatch.setenv("PIP_TARGET", "elsewhere")
    monkeypatch.setenv("PIP_CONSTRAINT", "theirs.txt")
    around = environment.pip_surroundings()
    assert "PIP_TARGET" not in around
    assert around["PIP_CONSTRAINT"] == around["PIP_BUILD_CONSTRAINT"] == "theirs.txt constraints.txt"


def test_every_task_but_help_clean_and_setup_runs_something(checkout):
    house = environment.Environment(checkout)
    idle = [task for task in environment.TASKS if not environment.commands(task, house, [])]
    assert sorted(idle) == ["clean", "help", "setup"]
    assert environment.commands("test", house, ["-k", "mulaw"])[0][-2:] == ["-k", "mulaw"]


def test_all_commands_of_a_task_run_and_the_first_failure_is_its_exit_code(checkout, monkeypatch):
    house = Rehearsed(checkout)
    house.set_up("dev")
    codes = {"one": "sys.exit(0)", "two": "sys.exit(3)", "three": "open('ran', 'w').close()"}
    listed = [[sys.executable, "-c", f"import sys; {code}"] for code in codes.values()]
    monkeypatch.setattr(environment, "commands", lambda task, house, rest: listed)
    assert environment.perform("check", [], house) == 3
    assert (checkout / "ran").exists()


def test_clean_keeps_the_environment_and_the_sources(checkout):
    kept = [checkout / ".venv", checkout / "src" / "vocalise"]
    gone = [checkout / "demo", checkout / "build", checkout / "src" / "vocalise" / "__pycache__"]
    for folder in kept + gone:
        folder.mkdir(parents=True)
    environment.clean(checkout)
    assert all(folder.exists() for folder in kept) and not any(folder.exists() for folder in gone)


def test_help_and_an_unknown_task_need_no_environment():
    script = str(SCRIPTS / "environment.py")
    shown = subprocess.run([sys.executable, script, "help"], capture_output=True, text=True, check=True).stdout
    assert all(task in shown for task in environment.TASKS)
    refused = subprocess.run([sys.executable, script, "dance"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2 and "dance" in refused.stderr and "Traceback" not in refused.stderr
