"""vocalise learns to sing from singing alone, and converts a song from one voice to another.

    import vocalise

    corpus = vocalise.Corpus.open("recordings/")  # a folder for each singer
    vocalise.train(vocalise.recipe("usvc", "small"), corpus, "run/", minutes=60)
    voice = vocalise.load_voice("run/voice.safetensors")
    sung = vocalise.Converter(voice).convert(wave, rate, to="Ada")

The names below are the public face; they are imported when they are first used, so that `import vocalise` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vocalise.checkpoint import default_voice, load_voice, save_voice
    from vocalise.conversion import Converter, improvise, morph
    from vocalise.data.corpus import Corpus
    from vocalise.errors import VocaliseError
    from vocalise.recipes import recipe
    from vocalise.training import train

__version__ = "0.1.0"

__all__ = (
    "Converter",
    "Corpus",
    "VocaliseError",
    "__version__",
    "default_voice",
    "improvise",
    "load_voice",
    "morph",
    "recipe",
    "save_voice",
    "train",
)

_HOMES = (
    ("default_voice", "vocalise.checkpoint"),
    ("load_voice", "vocalise.checkpoint"),
    ("save_voice", "vocalise.checkpoint"),
    ("Converter", "vocalise.conversion"),
    ("improvise", "vocalise.conversion"),
    ("morph", "vocalise.conversion"),
    ("Corpus", "vocalise.data.corpus"),
    ("VocaliseError", "vocalise.errors"),
    ("recipe", "vocalise.recipes"),
    ("train", "vocalise.training"),
)


def __getattr__(name: str) -> Any:
    """Finds a public name in its home when it is asked for."""
    home = dict(_HOMES).get(name)
    if home is None:
        raise AttributeError(f"vocalise has no public name {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(home), name)
