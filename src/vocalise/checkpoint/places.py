"""Places: the singers of a voice, exchanged for others that are blends of them, with no difference that can be heard.

identity (names) ──× weights──▶ identity (singers) ──× table──▶ voice = identity (names) ──× (weights × table)──▶ voice

A table has a row for each singer, and what is told of an identity is linear in it. So a blend can be given a row of its
own, and the rows that it was made of can be taken out of the file: then nobody can ask for them any more. A singer who
has a decoder of his own takes it along; such a one cannot be blended with another's.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from torch import Tensor

from vocalise.autoencoder import Autoencoder
from vocalise.checkpoint.blank import blank
from vocalise.checkpoint.voice import Offered, Range, Voice
from vocalise.errors import UnknownSinger, Unsupported
from vocalise.parts import PerSinger
from vocalise.recipes import Recipe

HANDS = "decoder.decoders."  # how names of weights begin that a singer of `PerSinger` has for himself; then a number


def settled(voice: Voice) -> Voice:
    """The same voice with places for those whom it offers and for nobody else.

    Raises:
        Unsupported: its recipe keeps singers in more than a table.
    """
    return with_places(voice, voice.offered) if voice.offered else voice


def forgotten(voice: Voice, name: str) -> Voice:
    """The same voice without a place for this singer; blends that the singer has a part in become places of their own.

    What all weights have learned from the singer's recordings stays in them, and the card goes on saying so.

    Raises:
        UnknownSinger: nobody is called so.
        Unsupported: nobody else would be left, or its recipe keeps singers in more than a table.
    """
    if name not in voice.singers and name not in voice.offered:
        raise UnknownSinger(name, voice.names)
    offered = {other: weights for other, weights in voice.offered.items() if other != name}
    blended = {other: weights for other, weights in offered.items() if weights.get(name, 0.0) > 0.0}
    kept = {singer: {singer: 1.0} for singer in voice.singers if singer != name and singer not in blended}
    if (voice.offered and not offered) or not (kept or blended):
        raise Unsupported(f"{name!r:.60} is the last one whom this voice offers: delete the file instead.")
    if name not in voice.singers:
        return replace(voice, offered=offered)
    offered |= {other: {other: 1.0} for other in blended}
    return with_places(replace(voice, offered={}), {**kept, **blended}, offered=offered)


def with_places(voice: Voice, places: Offered, *, offered: Offered | None = None) -> Voice:
    """The same voice with other places: each a blend of the former ones, by their weights.

    Args:
        voice: its model stays as it is; the new one has weights of its own.
        places: names, and the weights of the former singers (shares of one).
        offered: of the result; nothing: all of its places.

    Raises:
        Unsupported: its recipe keeps singers otherwise, or keeps decoders of theirs and blends are wanted.
    """
    points = replace(voice, offered=places).shares().double()
    own = voice.model.state_dict()
    tables = table_names(voice.recipe, len(voice.singers))
    mixed = {name: (points.to(own[name].device) @ own[name].double()).to(own[name].dtype) for name in tables}
    weights = {name: tensor for name, tensor in own.items() if not name.startswith(HANDS)}
    if len(weights) < len(own):
        weights |= _handed_over(own, points, tuple(places))
    model = rebuilt(voice.recipe, len(places), {**weights, **mixed}).to(voice.model.device)
    return replace(
        voice,
        singers=tuple(places),
        pitch_ranges=ranges(voice, places, points),
        model=model.train(voice.model.training),
        offered=offered or {},
    )


def table_names(recipe: Recipe, singers: int) -> tuple[str, ...]:
    """The weights that have a row for each singer; none where all that is a singer's own is a decoder.

    Raises:
        Unsupported: the recipe has neither, or keeps singers otherwise.
    """
    hands = isinstance(recipe.model.decoder, PerSinger.Config)
    few, more = (
        {k: v.shape for k, v in _blank(recipe, count).state_dict().items() if not (hands and k.startswith(HANDS))}
        for count in (singers, singers + 1)
    )
    found = tuple(name for name in few if more.get(name) != few[name])
    rows = all(len(few[name]) == 2 and more.get(name) == (singers + 1, few[name][1]) for name in found)
    kept = (found or hands) and rows and few.keys() == more.keys()
    if not kept or any(not name.startswith("condition.") for name in found):
        raise Unsupported(
            f"The recipe {recipe.name!r:.60} does not keep its singers in a table, so none can be added or taken out; "
            "recipes whose condition is told the voice can do it, and those with a decoder for each singer."
        )
    return found


def _handed_over(own: Mapping[str, Tensor], points: Tensor, names: tuple[str, ...]) -> dict[str, Tensor]:
    """The weights of each place's decoder: that of the former singer whom it stands for.

    Raises:
        Unsupported: a place is a blend.
    """
    found: dict[str, Tensor] = {}
    for place, (name, point) in enumerate(zip(names, points, strict=True)):
        if int((point > 0.0).sum()) != 1:
            raise Unsupported(
                f"{name!r:.60} is a blend of singers, and each singer of this voice has a decoder of his own, which "
                "cannot be blended with another's."
            )
        mine = f"{HANDS}{int(point.argmax())}."
        found |= {
            f"{HANDS}{place}.{key.removeprefix(mine)}": tensor for key, tensor in own.items() if key.startswith(mine)
        }
    return found


def ranges(voice: Voice, names: Iterable[str], points: Tensor) -> dict[str, Range]:
    """Pitch ranges of blends (blends, singers), by name: means of the logarithms over singers with a known range."""
    found = {}
    for name, point in zip(names, points.tolist(), strict=True):
        shares = dict(zip(voice.singers, point, strict=True))
        known = {one: marks for one, marks in voice.pitch_ranges.items() if min(marks) > 0.0 and shares[one] > 0.0}
        total = sum(shares[one] for one in known)
        if len(known) == 1:  # as it was, to the last digit
            found[name] = next(iter(known.values()))
        elif known:
            low, middle, high = (
                2.0 ** (sum(shares[one] * math.log2(marks[n]) for one, marks in known.items()) / total)
                for n in range(3)
            )
            found[name] = (low, middle, high)
    return found


def rebuilt(recipe: Recipe, singers: int, weights: Mapping[str, Tensor]) -> Autoencoder:
    """A model of this recipe for so many singers, with these weights; torch's luck is left as it was."""
    with blank("cpu"):
        model = recipe.model.build(singers=singers)
    model.load_state_dict(dict(weights))
    return model


def _blank(recipe: Recipe, singers: int) -> Autoencoder:
    with blank("meta"):
        return recipe.model.build(singers=singers)
