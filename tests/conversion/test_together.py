"""Many files by one voice: each comes out as it would alone, whoever it was sung with, and fails alone."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from tests.conversion.stand_ins import Murmur
from tests.conversion.test_converter import noise
from vocalise.audio.files import write_wave
from vocalise.conversion import Converter, together
from vocalise.conversion.together import Request, Result, convert_together
from vocalise.errors import AudioError
from vocalise.progress import Progress, silent

SECONDS = (0.7, 2.0, 0.3, 1.1)
TO = ("ada", "Bob", "ada", "Zoë")


@pytest.fixture
def songs(tmp_path: Path) -> list[Path]:
    paths = []
    for number, seconds in enumerate(SECONDS):
        wave = noise(round(seconds * 16_000)) * (0.0 if number == 2 else 1.0)  # one is silent
        paths.append(tmp_path / f"{number}.wav")
        write_wave(paths[-1], wave, 16_000)
    return paths


def requests(songs: Sequence[Path], out: Path) -> list[Request]:
    facts = enumerate(zip(songs, TO, strict=True))
    return [
        Request(10 + n, song, out / song.name, {"to": to, "seed": n, "temperature": 1.0 + n // 3}, makes_folder=True)
        for n, (song, to) in facts
    ]


def quietly(some: Sequence[int]) -> Progress:
    return silent


def test_each_file_is_what_it_would_be_alone(quick: Converter, songs: list[Path], tmp_path: Path) -> None:
    said: list[tuple[tuple[int, ...], float, float]] = []

    def progress(some: Sequence[int]) -> Progress:
        return lambda what, done, total, note="": said.append((tuple(some), done, total))

    wanted = requests(songs, tmp_path / "out")
    results = list(convert_together(quick, wanted, progress))
    assert sorted(one.number for one in results) == [10, 11, 12, 13] and not any(one.error for one in results)
    assert [one.outcome.silent for one in sorted(results, key=lambda one: one.number)] == [False, False, True, False]
    assert all(one.took > 0.0 for one in results)
    for one in wanted:
        quick.convert_file(one.source, tmp_path / "alone.wav", **one.wishes)
        assert (tmp_path / "alone.wav").read_bytes() == one.target.read_bytes()
    assert {some for some, _, _ in said} == {(10, 11, 12, 13)}
    assert [done for _, done, _ in said] == sorted(done for _, done, _ in said)
    assert said[-1][1] == pytest.approx(said[-1][2])


def test_no_more_songs_are_held_than_there_is_room_for(
    quick: Converter, songs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: list[tuple[int, ...]] = []
    monkeypatch.setattr(together, "TOGETHER", 2.5)
    list(convert_together(quick, requests(songs, tmp_path / "out"), lambda some: groups.append(tuple(some)) or silent))
    assert [group for group in groups if len(group) > 1] == [(10, 11), (12, 13)]
    monkeypatch.setattr(quick.model.decoder, "autoregressive", False)
    groups.clear()
    monkeypatch.setattr(Murmur, "lookahead", 0, raising=False)
    list(convert_together(quick, requests(songs, tmp_path / "two"), lambda some: groups.append(tuple(some)) or silent))
    assert {len(group) for group in groups} == {1}


class Picky(Murmur):
    """Cannot sing as Bob."""

    def extend(self, state, condition, controls, chance):
        if bool((controls.identity[:, 1] > 0.5).any()):
            raise MemoryError
        return super().extend(state, condition, controls, chance)


def test_who_cannot_be_sung_costs_nobody_else(
    remade: Callable[..., Converter], quick: Converter, songs: list[Path], tmp_path: Path
) -> None:
    parts = quick.voice.model
    converter = remade(encoder=parts.encoder, bottleneck=parts.bottleneck, decoder=Picky(800))
    found = {one.number: one for one in convert_together(converter, requests(songs, tmp_path / "out"), quietly)}
    assert isinstance(found[11].error, MemoryError) and found[11].outcome is None
    assert all(found[number].outcome is not None for number in (10, 12, 13))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0.wav", "2.wav", "3.wav"]


def test_a_file_that_is_none_and_a_disk_that_is_full_cost_themselves_only(
    quick: Converter, songs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    songs[1].write_bytes(b"RIFF")
    real = Converter.complete

    def full(self: Converter, errand, sung: torch.Tensor):
        if errand.target.name == "3.wav":
            raise OSError(28, "No space left on device", str(errand.target))
        return real(self, errand, sung)

    monkeypatch.setattr(Converter, "complete", full)
    found: dict[int, Result] = {
        one.number: one for one in convert_together(quick, requests(songs, tmp_path / "out"), quietly)
    }
    assert isinstance(found[11].error, AudioError) and isinstance(found[13].error, OSError)
    assert found[10].outcome is not None and found[12].outcome is not None
