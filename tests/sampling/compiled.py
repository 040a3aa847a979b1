"""Compiles the Triton kernel for a card that need not be here: `python -m tests.sampling.compiled 90`; prints JSON."""

import json
import sys
import warnings

warnings.simplefilter("ignore")

import triton  # noqa: E402
from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402

from vocalise.sampling.cuda import kernel  # noqa: E402

HALVES = ("skip_stem", "gates", "onward", "skips", "mix", "out", "memory")
LONGS, WHOLE, FRACTIONS = ("rings", "clock"), ("steps", "hop", "depth", "batch"), ("scale", "forced")
CHOICES = {"rows": 16, "residual": 32, "width": 64, "classes": 256, "levels": 256, "plain": False, "stages": 1}


def kind(name):
    if name in CHOICES:
        return "constexpr"
    if name in WHOLE + FRACTIONS:
        return "i32" if name in WHOLE else "fp32"
    return "*bf16" if name in HALVES else "*i64" if name in LONGS else "*fp32"


def main():
    names = kernel.sing.arg_names
    aligned = {(n,): [["tt.divisibility", 16]] for n, name in enumerate(names) if kind(name)[0] == "*"}
    chosen = {(names.index(name),): value for name, value in CHOICES.items()}
    source = ASTSource(fn=kernel.sing, signature={name: kind(name) for name in names}, constexprs=chosen, attrs=aligned)
    made = triton.compile(source, target=GPUTarget("cuda", int(sys.argv[1]), 32), options={"num_warps": 4})
    text = made.asm["ptx"]
    json.dump(
        {"shared": made.metadata.shared, "barriers": text.count("bar.sync") + text.count("barrier.sync")}, sys.stdout
    )


if __name__ == "__main__":
    main()
