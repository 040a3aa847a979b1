# The compiled module as Python sees it; its source is in native/

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

INTERFACE: int  # see library.py

def variants() -> list[str]: ...

class Model:
    def __init__(
        self, arrays: dict[str, Floats], sizes: list[int], dilations: list[int], precision: int, variant: str
    ) -> None: ...
    @property
    def bytes(self) -> int: ...

class Streams:
    def __init__(self, model: Model, rows: int, threads: int) -> None: ...
    def renew(self, row: int) -> None: ...
    def sing(
        self,
        layers: Floats,
        head: Floats,
        hop: int,
        temperature: float,
        luck: Floats | None = None,
        sung: Floats | None = None,
        forced: Floats | None = None,
        logits: Floats | None = None,
    ) -> None: ...
    @property
    def bytes(self) -> int: ...

class Stack:
    def __init__(
        self, arrays: dict[str, Floats], sizes: list[int], epsilon: float, half: bool, variant: str
    ) -> None: ...
    @property
    def bytes(self) -> int: ...

class Past:
    def __init__(self, stack: Stack) -> None: ...
    def extend(self, told: Floats, drawn: Floats) -> None: ...

class Shapes:
    def __init__(
        self,
        hop: int,
        filters: Floats,
        taper: Floats,
        usual: Floats,
        spread: Floats,
        fade: float,
        doubt: float,
        silent: float,
    ) -> None: ...
    def extend(self, wave: Floats, shapes: Floats) -> None: ...

class Sums:
    def __init__(
        self,
        hop: int,
        overlap: int,
        wait: int,
        ahead: int,
        bands: int,
        rate: int,
        lowest: float,
        highest: float,
        loudest: float,
        window: Floats,
    ) -> None: ...
    def reshape(self, to_bins: Floats, to_phases: Floats) -> None: ...
    def extend(
        self,
        pitch: Floats,
        flags: Floats,
        noise: Floats,
        powers: Floats,
        drawn: Floats,
        breath: float,
        sung: Floats,
    ) -> None: ...

class Tracker:
    def __init__(self, sizes: list[int], rate: float, marks: list[float], filter: list[float]) -> None: ...
    def extend(self, wave: Floats, pitch: Floats) -> int: ...
