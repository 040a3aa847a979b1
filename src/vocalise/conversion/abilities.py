"""What a recipe can be asked for; what it cannot is refused by name, with the recipes that can."""

from collections.abc import Callable

import torch

from vocalise.autoencoder import Autoencoder
from vocalise.checkpoint import Voice
from vocalise.errors import Unsupported
from vocalise.recipes import RECIPES


def hears(model: Autoencoder) -> bool:
    """Whether the model keeps anything of what it hears."""
    return model.encoder.channels > 0


def converts(model: Autoencoder) -> bool:
    """Whether it hears, and can be told who sings."""
    return hears(model) and model.told_who


def mixes(model: Autoencoder) -> bool:
    """Whether it can be sung by a mixture of singers."""
    return hears(model) and model.condition.uses_voice and not model.decoder.per_singer


def improvises(model: Autoencoder) -> bool:
    """Whether it sings of itself: it hears nothing, and needs no melody."""
    return not hears(model) and not follows_pitch(model)


def morphs(model: Autoencoder) -> bool:
    """Whether what lies between two of its latents is a latent, and nothing but the latent is the song's."""
    return hears(model) and model.bottleneck.continuous and not model.signal.analysis


def follows_pitch(model: Autoencoder) -> bool:
    """Whether it can be told the melody."""
    return model.condition.uses_pitch or model.signal.sings_pitch


def moves_formants(model: Autoencoder) -> bool:
    """Whether its decoder can move resonances and leave the tune."""
    return converts(model) and model.decoder.shapes_formants


def weighs_breath(model: Autoencoder) -> bool:
    """Whether its decoder tells breath from tone."""
    return converts(model) and model.decoder.shapes_breath


def sings_live(model: Autoencoder) -> bool:
    """Whether it can sing while it is still listening."""
    return hears(model) and model.encoder.streams and not model.decoder.autoregressive


def sings_on(model: Autoencoder) -> bool:
    """Whether it can sing a song chunk by chunk, however late: a vocoder's analysis wants whole phrases."""
    return hears(model) and not model.signal.analysis and not model.signal.sings_pitch


def require_singing_on(voice: Voice) -> None:
    """Refuses a model that needs whole phrases.

    Raises:
        Unsupported: the message names the recipes that do not.
    """
    if not sings_on(voice.model):
        raise _unsupported(voice, "needs whole phrases, so it cannot sing chunk by chunk", sings_on)


def require_live(voice: Voice) -> None:
    """Refuses a model that must have heard the whole song, or cannot keep up with it.

    Raises:
        Unsupported: the message names the recipes that can.
    """
    if not sings_live(voice.model):
        raise _unsupported(voice, "cannot sing while it is still listening", sings_live)


def require_hearing(voice: Voice) -> None:
    """Refuses a model that hears nothing.

    Raises:
        Unsupported: the message names the recipes that convert.
    """
    if not hears(voice.model):
        raise _unsupported(voice, "hears nothing, so it cannot convert a song", converts)


def require_voice(voice: Voice) -> None:
    """Refuses a model that cannot be told who sings.

    Raises:
        Unsupported: the message names the recipes that can.
    """
    if not voice.model.told_who:
        raise _unsupported(voice, "is not told who sings, so --to has no meaning for it", converts)


def require_mixing(voice: Voice) -> None:
    """Refuses a model that keeps its singers apart, where a mixture of them, or a change, is asked for.

    Raises:
        Unsupported: the message names the recipes that can.
    """
    if voice.model.decoder.per_singer:
        raise _unsupported(
            voice,
            "keeps a decoder for each singer, so it sings as one from beginning to end, and never as a mixture",
            mixes,
        )


def require_improvising(voice: Voice) -> None:
    """Refuses a model that needs a song.

    Raises:
        Unsupported: the message names the recipes that need none.
    """
    if not improvises(voice.model):
        raise _unsupported(voice, "cannot sing without a song to hear (give it one by `vocalise convert`)", improvises)


def require_morphing(voice: Voice) -> None:
    """Refuses a model of which two latents cannot be mixed.

    Raises:
        Unsupported: the message names the recipes that can.
    """
    if not morphs(voice.model):
        raise _unsupported(
            voice, "has nothing between two songs, for not all that it keeps of a song is a continuous latent", morphs
        )


def require_pitch(voice: Voice, wish: str) -> None:
    """Refuses a model that takes its melody from the latent alone, if there is a `wish` that needs more.

    Raises:
        Unsupported: the message names the recipes that can.
    """
    if not follows_pitch(voice.model):
        raise _unsupported(voice, f"is not told the pitch, so {wish} has no meaning for it", follows_pitch)


def require_formants(voice: Voice) -> None:
    """Refuses a model whose decoder cannot move resonances.

    Raises:
        Unsupported: the message names the recipes that can.
    """
    if not moves_formants(voice.model):
        raise _unsupported(voice, "cannot move formants, so --formant has no meaning for it", moves_formants)


def require_breath(voice: Voice) -> None:
    """Refuses a model whose decoder does not tell breath from tone.

    Raises:
        Unsupported: the message names the recipes that can.
    """
    if not weighs_breath(voice.model):
        raise _unsupported(voice, "does not tell breath from tone, so --breath has no meaning for it", weighs_breath)


def _unsupported(voice: Voice, what: str, ability: Callable[[Autoencoder], bool]) -> Unsupported:
    able = [name for name in RECIPES if ability(_skeleton(name))]
    there = f"recipes that can: {', '.join(able)}" if able else "no recipe in this version can"
    return Unsupported(f"The recipe {voice.recipe.name!r:.60} {what}; {there}.")


def _skeleton(name: str) -> Autoencoder:
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        return RECIPES[name]("tiny").model.build(singers=2)
