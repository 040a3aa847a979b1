# The compiled module as Python sees it; its source is in native/

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

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
