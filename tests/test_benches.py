"""The benches: sections of the page are kept apart, and figures follow from what was measured."""

import importlib
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module", autouse=True)
def benches():
    """They import each other by their bare names."""
    sys.path.insert(0, str(ROOT / "benches"))
    before = set(sys.modules)
    yield
    sys.path.remove(str(ROOT / "benches"))
    for name in set(sys.modules) - before:
        if str(ROOT / "benches") in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def bench(name):
    return importlib.import_module(name)


def limits(scale=1.0, **changed):
    names = {"float32": 100e9, "bf16": 200e9, "int8": 400e9, "L2": 160e9, "L3": 80e9}
    values = {name: scale * value for name, value in (names | changed).items()}
    return bench("probe").Limits("by hand", values, {k: 2 * v for k, v in values.items()}, dict(values))


def record(after=None, rate=32_000.0):
    singing, probe, cold = bench("singing"), bench("probe"), bench("cold")
    share, which = probe.moved(limits(), after or limits())
    row = singing.Row(
        size="paper", streams=1, sampler="compiled", precision="int8", threads=2, rate=rate, core_rate=rate / 2,
        real_time=rate / 16_000, to_pytorch=60.0, core_to_pytorch=30.0, limit="L3", share=0.5, spread=0.01, goal=2.6,
        pytorch_goal=55.0,
    )  # fmt: skip
    return singing.Record(
        facts={},
        rows=[row],
        before=limits(),
        after=after or limits(),
        moved=share,
        moved_most=which,
        cold=cold.Cold(0.1, 0.05, 0.2, 0.15),
    )


def test_a_section_takes_the_place_of_its_own_and_leaves_the_others():
    merged = bench("sections").merged
    page = merged("", {"training": "## Training\n\nold", "sampling": "## Sampling"})
    assert page.startswith("# Benchmarks\n\n<!-- training: begin -->\n\n## Training")
    kept = page[page.index("<!-- sampling") :]
    again = merged(page, {"training": "## Training\n\nnew \\1"})
    assert "old" not in again and "new \\1" in again and again.endswith(kept)
    assert merged(again, {}) == again
    by_hand = merged("# Benchmarks\n\nA word.\n", {"sampling": "x"})
    assert by_hand.startswith("# Benchmarks\n\nA word.\n\n<!-- sampling: begin -->\n\nx\n\n<!-- sampling: end -->")


def test_the_page_has_a_section_for_each_part():
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for part in bench("run").PARTS:
        assert page.count(f"<!-- {part}: begin -->") == page.count(f"<!-- {part}: end -->") == 1
    assert page == bench("sections").merged(page, {})


@pytest.mark.parametrize(("after", "void"), [(1.0, False), (1.14, False), (0.84, True), (1.16, True)])
def test_a_run_whose_probe_moved_is_void_and_says_so(after, void):
    found = record(limits(after))
    text = bench("sampling_report").section(found, {})
    assert found.void == void == ("This run is void" in text)
    assert f"moved {round(100 * abs(after - 1))}% at most" in text


def test_the_cache_that_moved_is_named():
    share, which = bench("probe").moved(limits(), limits(L3=60e9))
    assert share == pytest.approx(0.25) and which.startswith("L3")


def test_a_sample_costs_what_its_layers_multiply():
    samplers = bench("samplers")
    cost = samplers.cost(samplers.plain("paper"))
    # Four blocks of ten layers of 4 R² + R² + R S, the last without its R²; head S² + 256 S, and the first skip R S.
    assert cost.macs == 40 * 6 * 128**2 - 128**2 + 128**2 + 256 * 128 + 128**2
    shared = 4 * sum(2 * 128**2 * (1 - 1 / 2**n) for n in range(10))
    assert cost.weights == pytest.approx(cost.macs - shared, abs=1)


@pytest.mark.parametrize(
    ("streams", "threads", "precision", "size", "bound"),
    [(1, 1, "int8", "paper", "L3"), (32, 2, "bf16", "paper", "arithmetic"), (1, 1, "int8", "small", "L2")],
)
def test_the_limit_is_the_lower_of_arithmetic_and_reading(streams, threads, precision, size, bound):
    samplers, singing = bench("samplers"), bench("singing")
    one = SimpleNamespace(streams=streams, threads=threads, precision=precision, device=torch.device("cpu"))
    cost = samplers.cost(samplers.plain(size))
    name, rate = singing.limit(one, cost, limits())
    bytes_of = {"int8": 1, "bf16": 2}[precision] * cost.weights
    arithmetic = {"int8": 400e9, "bf16": 200e9}[precision] / cost.macs
    reading = (80e9 if bytes_of > 768 << 10 else 160e9) / bytes_of * (streams // threads)
    assert name == bound and rate == pytest.approx(min(arithmetic, reading))


def test_goals_are_met_or_missed():
    report = bench("sampling_report")
    assert "| 2.6 (missed) |" in report.table(record(rate=32_000).rows)
    assert "| 2.6 (met) |" in report.table(record(rate=48_000).rows)
    assert "55 (missed)" in report.table(record().rows)


def test_the_chart_and_the_record_are_written(tmp_path):
    found = record()
    bench("run").write(tmp_path / "page.md", {"sampling": "## Sampling"}, found)
    assert (tmp_path / "pictures" / "sampling.png").read_bytes().startswith(b"\x89PNG")
    assert '"void": false' in (tmp_path / "pictures" / "sampling.json").read_text(encoding="utf-8")
    assert "## Sampling" in (tmp_path / "page.md").read_text(encoding="utf-8")


def test_the_probe_finds_that_whole_numbers_are_no_slower():
    probe = bench("probe").Probe(1, 0.2)
    found = probe()
    probe.close()
    assert set(found.one) == set(found.core) == {"float32", "bf16", "int8", "L2", "L3"}
    assert all(value > 1e8 for value in found.core.values())


@pytest.mark.slow
def test_the_samplers_bench_runs(tmp_path):
    words = ["--parts", "sampling", "--quick", "--even-void", "--out", str(tmp_path / "page.md")]
    done = subprocess.run(
        [sys.executable, str(ROOT / "benches" / "run.py"), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "| tiny | 1 | PyTorch | float32 | 1 |" in page and (tmp_path / "pictures" / "sampling.png").exists()
