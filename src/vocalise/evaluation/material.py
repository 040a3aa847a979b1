"""The recordings of an evaluation: whose they are, what the voices never heard of them, and how sure that is.

DATA ──the voices' singers──▶ corpus ──16 kHz──▶ prepared ──as in training──▶ split, and what must be said of it
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vocalise.checkpoint import Voice
from vocalise.data.corpus import Corpus
from vocalise.data.prepare import prepare
from vocalise.data.prepared import Prepared
from vocalise.data.records import Piece, Recording, Split, legible
from vocalise.data.scan import choose, scan
from vocalise.data.split import split
from vocalise.evaluation.ears import RATE
from vocalise.evaluation.records import Saying
from vocalise.evaluation.systems import Performer
from vocalise.progress import Progress, silent

MOST_SAID = 5  # findings about files that are told one by one


@dataclass(frozen=True, kw_only=True)
class Material:
    """What there is to sing, and to learn judges from."""

    corpus: Corpus  # as it was found
    prepared: Prepared  # at 16 kHz, or at the voices' rate if that is higher
    split: Split
    share: float  # that was to be held out
    sayings: tuple[Saying, ...]

    @property
    def sung(self) -> tuple[Piece, ...]:
        """What is to be converted: what is held out, or all there is where nothing could be."""
        return self.split.held_out or self.split.train


def gather(
    data: Path,
    performers: Sequence[Performer],
    *,
    singers: Sequence[str] | None = None,
    guests: Sequence[str] = (),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    progress: Progress = silent,
) -> Material:
    """Opens and prepares recordings, and holds out what the first voice's training held out.

    Args:
        data: folder of recordings.
        performers: the voices.
        singers: only these; by default those of the voices, and everybody where none of them is there.
        guests: others whose songs are wanted beside the voices' own singers.
        include: patterns of files, as for training.
        exclude: likewise.
        progress: told seconds of audio prepared.

    Raises:
        CorpusError: no such folder, an unknown singer, or nothing to be heard.
    """
    voices = [one.voice for one in performers]
    wanted = list(singers) if singers else _singers(data, voices, guests, include, exclude)
    corpus = Corpus.open(data, singers=wanted, include=include, exclude=exclude, rate=RATE)
    rate, total = max(RATE, *(voice.model.rate for voice in voices)), sum(corpus.seconds.values())
    prepared = prepare(
        corpus, rate=rate, progress=lambda share: progress("preparing", share * total, total, "seconds of audio")
    )
    share = voices[0].recipe.material.held_out
    sides = _divided(prepared.corpus.recordings, voices[0].singers, share)
    said = [*_on_hearing(performers, corpus, share), *_on_split(sides, prepared), *_on_files(prepared)]
    return Material(corpus=corpus, prepared=prepared, split=sides, share=share, sayings=tuple(said))


def _singers(
    data: Path, voices: Sequence[Voice], guests: Sequence[str], include: Sequence[str], exclude: Sequence[str]
) -> list[str] | None:
    """The voices' own singers and guests, as far as they are in the folder; None, which is everybody, if none is."""
    there = {one.singer for one in choose(scan(data)[0], include, exclude)}
    return sorted({*guests, *(name for voice in voices for name in voice.singers)} & there) or None


def _divided(recordings: Sequence[Recording], own: Sequence[str], share: float) -> Split:
    """Splits the voice's own singers as training did, and others apart from them: they would change its choice."""
    sides = [
        split([one for one in recordings if (one.singer in own) == mine], share)
        for mine in (True, False)
        if any((one.singer in own) == mine for one in recordings)
    ]
    return Split(
        tuple(piece for side in sides for piece in side.train),
        tuple(piece for side in sides for piece in side.held_out),
        tuple(finding for side in sides for finding in side.findings),
    )


def _on_hearing(performers: Sequence[Performer], corpus: Corpus, share: float) -> list[Saying]:
    """Whether each voice may have heard what it is tested on, and whether its singers can be judged."""
    said = []
    for one in performers:
        voice = one.voice
        there = [name for name in voice.singers if name in corpus.singers]
        own = replace(
            corpus, singers=tuple(there), recordings=tuple(x for x in corpus.recordings if x.singer in voice.singers)
        )
        missing = [name for name in voice.singers if name not in corpus.singers]
        if not there:
            words = (
                "None of its singers is in these recordings: no judge knows them, so nobody can say whether they are "
                "heard."
            )
            said.append(Saying(level="fair", system=one.name, words=words))
            continue
        if missing:
            words = f"{', '.join(missing)} cannot be judged: there is no recording of them here."
            said.append(Saying(level="note", system=one.name, words=words))
        if voice.card.data == own.fingerprint and voice.recipe.material.held_out == share:
            words = "The songs are exactly those that were held out when it was trained."
            said.append(Saying(level="note", system=one.name, words=words))
        else:
            words = (
                "These are not exactly the recordings that it was trained on, so it may have heard some of these songs "
                "before, which would flatter it. Take --singers, --include and --exclude as in its training."
            )
            said.append(Saying(level="fair", system=one.name, words=words))
    return said


def _on_split(sides: Split, prepared: Prepared) -> list[Saying]:
    said = []
    if not sides.held_out:
        words = (
            "There is too little to hold anything out: what was converted had been heard in training, and the judges "
            "know it, which flatters every figure."
        )
        return [Saying(level="poor", system="", words=words)]
    without = [name for name in prepared.singers if all(piece.recording.singer != name for piece in sides.held_out)]
    if without:
        words = f"No song of {', '.join(without)} is converted: there is too little to hold one out."
        said.append(Saying(level="note", system="", words=words))
    return said


def _on_files(prepared: Prepared) -> list[Saying]:
    """Files that were passed over."""
    kept = {one.path for one in prepared.corpus.recordings}
    lost = [one for one in prepared.findings if one.level == "warning" and one.path and one.path not in kept]
    words = [one.message for one in lost[:MOST_SAID]]
    if len(lost) > MOST_SAID:
        words.append(f"{len(lost) - MOST_SAID} more files were passed over; vocalise check tells which.")
    return [Saying(level="note", system="", words=legible(word)) for word in words]
