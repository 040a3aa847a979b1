"""The table of the field: each system is a function of a few lines that says how it differs from its ancestor.

| recipe        | encoder   | condition         | decoder   | adversaries     | protocols                        |
|---------------|-----------|-------------------|-----------|-----------------|----------------------------------|
| `autoencoder` | Framewise | content           | Spectral  |                 | reconstruction                   |
| `wavenet`     | Blank     | voice             | WaveNet   |                 | reconstruction                   |
| `nsynth`      | Dilated   | content           | WaveNet   |                 | reconstruction                   |
| `umt`         | Dilated   | content           | PerSinger | SingerConfusion | reconstruction                   |
| `usvc`        | Dilated   | content + voice   | WaveNet   | SingerConfusion | reconstruction → backtranslation |
| `pitchnet`    | Dilated   | + pitch           | WaveNet   | PitchConfusion  | as `usvc`                        |
| `vqvae`       | Strided   | codes + voice     | WaveNet   |                 | reconstruction                   |
| `vaevc`       | Framewise | content + voice   | Spectral  |                 | reconstruction                   |
| `vawgan`      | Framewise | + pitch           | Spectral  | FrameCritic     | reconstruction                   |
| `aria`        | Mel       | + pitch, loudness | Parallel  | five of them    | reconstruction, then conversion  |

All have a Continuous bottleneck but `vqvae`, whose is a VectorQuantizer, and `vaevc` and `vawgan`, whose is Gaussian;
`pitchnet` has both confusions. `aria` hears and sings waves, those with a Framewise encoder the frames of a World
signal, the others a MuLaw signal. A size scales widths and keeps depths; `usvc` (with `umt`), `vaevc` (with `vawgan`)
and `aria` have tables of sizes of their own.
"""

import types
from collections.abc import Callable, Mapping
from typing import cast

from vocalise.errors import ConfigError
from vocalise.recipes.frames import autoencoder, vaevc, vawgan
from vocalise.recipes.records import SIZES, WIDTHS, Material, Optimiser, Recipe, Size
from vocalise.recipes.songs import aria
from vocalise.recipes.translation import umt
from vocalise.recipes.waves import nsynth, pitchnet, usvc, vqvae, wavenet

__all__ = (
    "RECIPES",
    "SIZES",
    "WIDTHS",
    "Material",
    "Optimiser",
    "Recipe",
    "Size",
    "aria",
    "autoencoder",
    "nsynth",
    "pitchnet",
    "recipe",
    "umt",
    "usvc",
    "vaevc",
    "vawgan",
    "vqvae",
    "wavenet",
)

RECIPES: Mapping[str, Callable[[Size], Recipe]] = types.MappingProxyType(
    {
        function.__name__: function
        for function in (autoencoder, wavenet, nsynth, umt, usvc, pitchnet, vqvae, vaevc, vawgan, aria)
    }
)


def recipe(name: str, size: str = "paper") -> Recipe:
    """The recipe of a system at a size.

    Raises:
        ConfigError: there is no such recipe or size; the message names those that are.
    """
    if name not in RECIPES:
        raise ConfigError(f"There is no recipe {name!r}; the choices are {', '.join(RECIPES)}.")
    if size not in WIDTHS:
        raise ConfigError(f"There is no size {size!r}; the choices are {', '.join(WIDTHS)}.")
    return RECIPES[name](cast(Size, size))
