"""A corpus: singers and their recordings on disk, known by their headers and contents without being decoded."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vocalise.data.cache import digest_of
from vocalise.data.headers import Header, read_headers
from vocalise.data.records import Finding, Piece, Recording, Severity, Split, legible
from vocalise.data.scan import LAYOUT, Candidate, choose, composed, scan
from vocalise.data.split import split
from vocalise.errors import CorpusError

__all__ = ["Corpus", "Finding", "Piece", "Recording", "Severity", "Split", "legible"]


@dataclass(frozen=True)
class Corpus:
    """Readable recordings by singer, and what was found while looking for them."""

    folder: Path
    singers: tuple[str, ...]  # sorted
    recordings: tuple[Recording, ...]  # sorted by singer, song and path
    findings: tuple[Finding, ...]
    rate: int = 16000  # Hz at which it is to be prepared

    @classmethod
    def open(
        cls,
        folder: Path | str,
        *,
        singers: Sequence[str] | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        rate: int = 16000,
    ) -> "Corpus":
        """Looks at `folder/<singer>/**/*` or at `folder/singers.csv`; reads headers and contents, decodes nothing.

        Args:
            folder: where the recordings are.
            singers: only these, if there are any.
            include: patterns such as `*/sing/*`, of which a path below `folder` must match one, if there are any.
            exclude: patterns of which it must match none.
            rate: Hz at which the corpus is to be prepared; recordings with less bandwidth are pointed out.

        Raises:
            CorpusError: there is no such folder, an unknown singer, or no readable recording.
        """
        folder = Path(folder)
        candidates, findings = scan(folder)
        if not candidates:
            raise CorpusError(f"{legible(folder)} holds no sound file that belongs to a singer: {LAYOUT}.")
        candidates, findings = _only(candidates, findings, singers, folder)
        chosen = choose(candidates, include, exclude)
        if not chosen:
            patterns = ", ".join([f"--include {one}" for one in include] + [f"--exclude {one}" for one in exclude])
            raise CorpusError(
                f"{legible(folder)}: {patterns} leaves none of {len(candidates)} files, "
                f"the first of which is {candidates[0].relative}."
            )
        headers = read_headers(folder, [one.path for one in chosen])
        recordings = _recordings(chosen, headers, findings)
        if not recordings:
            first = next(str(header) for header in headers.values())
            raise CorpusError(f"{legible(folder)}: none of {len(chosen)} sound files can be read. {first}")
        names = tuple(sorted({one.singer for one in recordings}))
        _notice_lost({one.singer for one in chosen} - set(names), findings)
        _notice_shared(recordings, findings)
        _notice_narrow(recordings, rate, findings)
        return cls(folder, names, tuple(recordings), tuple(findings), rate)

    @property
    def fingerprint(self) -> str:
        """Names these contents, wherever the folder lies and whatever its files are called."""
        return digest_of(json.dumps(sorted({(one.singer, one.digest) for one in self.recordings})).encode())

    @property
    def seconds(self) -> dict[str, float]:
        """How much there is of each singer."""
        return {name: sum(one.seconds for one in self.recordings if one.singer == name) for name in self.singers}

    def split(self, held_out: float = 0.1) -> Split:
        """Holds out about this share of each singer's time by song; see `vocalise.data.split`."""
        return split(self.recordings, held_out)

    def without(self, lost: Iterable[Recording], findings: Iterable[Finding]) -> "Corpus":
        """A copy that lacks some recordings, and the singers who then have none, and says why."""
        gone = set(lost)
        kept = tuple(one for one in self.recordings if one not in gone)
        names = tuple(sorted({one.singer for one in kept}))
        said = [*self.findings, *findings]
        _notice_lost(set(self.singers) - set(names), said)
        return dataclasses.replace(self, singers=names, recordings=kept, findings=tuple(said))


def _only(
    candidates: list[Candidate], findings: list[Finding], singers: Sequence[str] | None, folder: Path
) -> tuple[list[Candidate], list[Finding]]:
    if not singers:
        return candidates, findings
    wanted = {composed(name.strip()) for name in singers}
    known = sorted({one.singer for one in candidates})
    for name in sorted(wanted - set(known)):
        raise CorpusError(f"There is no singer {name!r} in {legible(folder)}; the singers are {', '.join(known)}.")
    kept = [one for one in candidates if one.singer in wanted]
    return kept, [one for one in findings if one.singer is None or one.singer in wanted]


def _recordings(
    chosen: Sequence[Candidate], headers: dict[Path, Header | str], findings: list[Finding]
) -> list[Recording]:
    """The readable ones; a singer's second copy of the same content would only leak over the split."""
    recordings = []
    first: dict[tuple[str, str], Path] = {}
    for one in chosen:
        header = headers[one.path]
        if isinstance(header, str):
            findings.append(
                Finding("warning", one.singer, one.path, header, "record or export it again, or take it away")
            )
            continue
        original = first.setdefault((one.singer, header.digest), one.path)
        if original != one.path:
            message = f"{legible(one.path)} is the same file as {legible(original)} and is passed over."
            findings.append(Finding("note", one.singer, one.path, message, "take one of them away"))
            continue
        facts = (header.seconds, header.rate, header.channels, header.digest)
        recordings.append(Recording(one.path, one.singer, one.song, *facts))
    return recordings


def _notice_lost(lost: set[str], findings: list[Finding]) -> None:
    for name in sorted(lost):
        message = f"{name} has no recording left and is left out of the corpus."
        findings.append(Finding("warning", name, None, message, "mend the files named above, or take the folder away"))


def _notice_shared(recordings: Sequence[Recording], findings: list[Finding]) -> None:
    owners: dict[str, Recording] = {}
    for one in recordings:
        owner = owners.setdefault(one.digest, one)
        if owner.singer != one.singer:
            message = (
                f"{legible(one.path)} of {one.singer} is the same file as {legible(owner.path)} of {owner.singer}."
            )
            remedy = "one of the two labels is wrong: leave the file with the one who sings"
            findings.append(Finding("warning", one.singer, one.path, message, remedy))


def _notice_narrow(recordings: Sequence[Recording], rate: int, findings: list[Finding]) -> None:
    for name in sorted({one.singer for one in recordings}):
        low = [one for one in recordings if one.singer == name and one.rate < rate]
        if low:
            worst = min(one.rate for one in low)
            message = f"{len(low)} of {name}'s recordings have a rate below {rate} Hz: no sound above {worst // 2} Hz."
            findings.append(Finding("warning", name, low[0].path, message, "record at 44100 Hz or more"))
