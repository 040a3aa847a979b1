"""The Triton kernel: a program owns some streams and loops over time and layers; nothing but weights is read anew.

for each sample:  stem ── for each layer: ring ─▶ gates ─▶ onward, skip ── head ─▶ softmax ─▶ a level, by given luck

Sums are float32. Columns go to rings in global memory, which only this program touches: a ring has one slot more than
its layer looks back, so that a barrier at the end of each sample is all the order needed between its threads.
Importing this module needs Triton; with TRITON_INTERPRET=1 set before, kernels run on the processor through NumPy.
"""

import triton
import triton.language as tl


@triton.jit
def product(a: tl.tensor, b: tl.tensor, plain: tl.constexpr) -> tl.tensor:
    """(m, k) times (k, n), float32 from bfloat16, or from float32 in three products of halves that keep its digits.

    `plain` for the interpreter, whose products know no bfloat16.
    """
    if plain:
        a, b = a.to(tl.float32), b.to(tl.float32)
    return tl.dot(a, b, input_precision="tf32x3")


@triton.jit
def draw(logits: tl.tensor, luck: tl.tensor, scale: tl.tensor, levels: tl.constexpr) -> tl.tensor:
    """The first class whose cumulative share exceeds luck; a scale of 0: the likeliest. (rows, classes) -> (rows,)."""
    if scale > 0.0:
        heights = tl.cumsum(tl.exp((logits - tl.max(logits, axis=1)[:, None]) * scale), axis=1)
        below = heights <= (luck * tl.max(heights, axis=1))[:, None]  # the highest is the total
        found = tl.minimum(tl.sum(below.to(tl.int32), axis=1), levels - 1)
    else:
        found = tl.argmax(logits, axis=1)
    return found


@triton.jit
def layer_step(
    x: tl.tensor, skip: tl.tensor, layer: tl.tensor, now: tl.tensor, streams: tl.tensor, batch: tl.tensor,
    told: tl.tensor, gates: tl.tensor, onward: tl.tensor, skips: tl.tensor, biases: tl.tensor, rings: tl.tensor,
    memory: tl.tensor, residual: tl.constexpr, width: tl.constexpr, plain: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """One gated layer: x (rows, residual) and skip (rows, width) -> the new ones; its column goes to the ring."""
    r, s = tl.arange(0, residual), tl.arange(0, width)
    square = r[:, None] * residual + r[None, :]
    tile = gates + layer * (4 * residual * residual) + square
    # A ring holds dilation + 1 columns, so the slot after that of now has the oldest, which is that of now - dilation.
    begin, length = tl.load(rings + 2 * layer), tl.load(rings + 2 * layer + 1)
    oldest, newest = begin + (now + 1) % length, begin + now % length
    past = tl.load(memory + (oldest * batch + streams)[:, None] * residual + r[None, :])
    present = x.to(past.dtype)
    tl.store(memory + (newest * batch + streams)[:, None] * residual + r[None, :], present)
    said = told + (layer * batch + streams)[:, None] * (2 * residual) + r[None, :]
    f = tl.load(said) + product(past, tl.load(tile), plain)
    g = tl.load(said + residual) + product(past, tl.load(tile + residual * residual), plain)
    f += product(present, tl.load(tile + 2 * residual * residual), plain)
    g += product(present, tl.load(tile + 3 * residual * residual), plain)
    # tanh f = 2 σ(2f) - 1; where an exponential is infinite, its σ is 0 as it should be.
    z = ((2.0 / (1.0 + tl.exp(-2.0 * f)) - 1.0) / (1.0 + tl.exp(-g))).to(past.dtype)
    bias = biases + layer * (residual + width)
    x += product(z, tl.load(onward + layer * (residual * residual) + square), plain) + tl.load(bias + r)[None, :]
    wide = layer * (residual * width) + r[:, None] * width + s[None, :]
    skip += product(z, tl.load(skips + wide), plain) + tl.load(bias + residual + s)[None, :]
    return x, skip


@triton.jit(do_not_specialize=["steps", "hop", "depth"])
def sing(
    stem: tl.tensor, skip_stem: tl.tensor, gates: tl.tensor, onward: tl.tensor, skips: tl.tensor, mix: tl.tensor,
    out: tl.tensor, biases: tl.tensor, head: tl.tensor, rings: tl.tensor, memory: tl.tensor, heard: tl.tensor,
    clock: tl.tensor, told: tl.tensor, told_head: tl.tensor, luck: tl.tensor, sung: tl.tensor, given: tl.tensor,
    seen: tl.tensor, steps: tl.tensor, hop: tl.tensor, depth: tl.tensor, batch: tl.tensor, scale: tl.tensor,
    forced: tl.tensor, rows: tl.constexpr, residual: tl.constexpr, width: tl.constexpr, classes: tl.constexpr,
    levels: tl.constexpr, plain: tl.constexpr, stages: tl.constexpr,
) -> None:  # fmt: skip
    """`steps` samples of `rows` streams a program; `clock` (1,) were taken before. Weights are those of `Tiles`.

    memory (slots, batch, residual) and heard (2, batch) are moved on; told (frames, depth, batch, 2 residual),
    told_head (frames, batch, width) and luck (steps, batch) are read; sung (steps, batch) is written. Where `forced`
    is 1.0, the levels are those `given` (steps, batch) and logits are written to `seen` (steps, batch, classes).
    """
    streams = (tl.program_id(0) * rows + tl.arange(0, rows)).to(tl.int64)
    r, s, c = tl.arange(0, residual), tl.arange(0, width), tl.arange(0, classes)
    before, last = tl.load(heard + streams), tl.load(heard + batch + streams)
    begun = tl.load(clock)  # 64 bits, as all that is reckoned from it: many streams have more than 2^31 numbers
    for step in range(steps):
        now = begun + step
        frame, at = (now - begun) // hop, (now - begun) * batch + streams
        x = before[:, None] * tl.load(stem + r)[None, :] + last[:, None] * tl.load(stem + residual + r)[None, :]
        x += tl.load(stem + 2 * residual + r)[None, :]
        first = tl.load(skip_stem + r[:, None] * width + s[None, :])
        skip = product(x.to(first.dtype), first, plain) + tl.load(head + s)[None, :]
        said = told + frame * depth * batch * (2 * residual)
        for layer in tl.range(0, depth, num_stages=stages):
            x, skip = layer_step(
                x, skip, layer, now, streams, batch, said, gates, onward, skips, biases, rings, memory,
                residual, width, plain,
            )  # fmt: skip
        square = tl.load(mix + s[:, None] * width + s[None, :])
        mixed = product(tl.maximum(skip, 0.0).to(square.dtype), square, plain) + tl.load(head + width + s)[None, :]
        mixed += tl.load(told_head + (frame * batch + streams)[:, None] * width + s[None, :])
        wide = tl.load(out + s[:, None] * classes + c[None, :])
        logits = product(tl.maximum(mixed, 0.0).to(wide.dtype), wide, plain) + tl.load(head + 2 * width + c)[None, :]
        before = last
        last = draw(logits, tl.load(luck + at), scale, levels).to(tl.float32) / (levels - 1) - 0.5
        if forced > 0.0:
            last = tl.load(given + at)
            tl.store(seen + at[:, None] * classes + c[None, :], logits)
        tl.store(sung + at, last)
        tl.debug_barrier()  # this sample's columns are there for all threads before the next sample looks for them
    tl.store(heard + streams, before)
    tl.store(heard + batch + streams, last)
