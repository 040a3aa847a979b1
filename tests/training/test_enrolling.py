"""Enrolling: a place for one more singer, while everything else stays as it was."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tests.material import build
from tests.training.conftest import write_singers
from vocalise.checkpoint import Card, Voice, load_voice, save_voice, with_places
from vocalise.checkpoint.places import table_names
from vocalise.errors import ConfigError, CorpusError, Unsupported
from vocalise.recipes import recipe
from vocalise.training.enrolling import Enrolled, Lessons, enrol, recordings_of

QUICK = Lessons(steps=12, batch=2, seconds=0.4, rate=0.1)


def voice_of(name: str = "aria") -> Voice:
    chosen = recipe(name, "tiny")
    card = Card(minutes={"ann": 2.0, "ben": 3.0}, licence="CC0", figures={"held_out": 1.0})
    ranges = {"ann": (100.0, 200.0, 400.0)}
    model = build(chosen, 2).eval()
    return Voice(recipe=chosen, singers=("ann", "ben"), pitch_ranges=ranges, card=card, model=model)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds of somebody who sings at about 150 Hz."""
    folder = write_singers(tmp_path_factory.mktemp("newcomers"), ("cleo",)) / "cleo"
    wave, rate = soundfile.read(folder / "song0.wav")
    soundfile.write(folder / "song2.wav", np.tile(wave, 3), rate)
    return folder


@pytest.fixture(scope="module")
def enrolled(recordings: Path) -> Enrolled:
    return enrol(voice_of(), "cleo", [recordings], lessons=QUICK, licence="CC BY 4.0", consent="asked")


def test_a_place_of_ones_own_renders_a_singer_better_than_anybody_elses(enrolled: Enrolled) -> None:
    assert enrolled.voice.singers == ("ann", "ben", "cleo") and enrolled.nearest in ("ann", "ben")
    assert enrolled.after < enrolled.before
    assert enrolled.unit.name == "distance"


def test_everything_but_the_new_row_is_as_it_was_and_the_given_voice_is_untouched(enrolled: Enrolled) -> None:
    given = voice_of()
    table = table_names(given.recipe, 2)[0]
    former, weights = given.model.state_dict(), enrolled.voice.model.state_dict()
    assert former.keys() == weights.keys()
    assert all(torch.equal(former[name], weights[name]) for name in former if name != table)
    assert torch.equal(weights[table][:2], former[table])
    assert weights[table].shape[0] == 3 and not enrolled.voice.model.training


def test_range_and_card_tell_of_the_new_singer(enrolled: Enrolled, tmp_path: Path) -> None:
    low, middle, high = enrolled.voice.pitch_ranges["cleo"]
    assert 145.0 < low <= middle <= high < 175.0
    assert enrolled.voice.pitch_ranges["ann"] == (100.0, 200.0, 400.0)
    card = enrolled.voice.card
    assert card.minutes["ann"] == 2.0 and card.minutes["cleo"] == pytest.approx(5.25 / 60)
    assert card.licence == "CC0; cleo: CC BY 4.0" and card.consent == "cleo: asked"
    save_voice(tmp_path / "voice", enrolled.voice)
    assert load_voice(tmp_path / "voice").singers == ("ann", "ben", "cleo")


def test_the_same_seed_gives_the_same_place_and_torchs_luck_is_left_alone(enrolled: Enrolled, recordings: Path) -> None:
    given, luck = voice_of(), torch.random.get_rng_state()
    again = enrol(given, "cleo", [recordings], lessons=QUICK)
    assert torch.equal(luck, torch.random.get_rng_state())
    pairs = zip(again.voice.model.parameters(), enrolled.voice.model.parameters(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)


def test_fine_tuning_moves_the_decoder_and_neither_the_ear_nor_other_places(recordings: Path) -> None:
    given = voice_of()
    found = enrol(given, "cleo", [recordings], lessons=replace(QUICK, fine_tune=True)).voice
    former, weights = given.model.state_dict(), found.model.state_dict()
    moved = {name.split(".")[0] for name in former if not torch.equal(former[name], weights[name][: len(former[name])])}
    assert moved == {"decoder"}


def test_somebody_enrolled_into_a_voice_of_offers_is_offered_too(recordings: Path) -> None:
    given = with_places(voice_of(), {n: {n: 1.0} for n in ("ann", "ben")}, offered={"duo": {"ann": 0.5, "ben": 0.5}})
    found = enrol(given, "cleo", [recordings], lessons=replace(QUICK, steps=1)).voice
    assert found.names == ("duo", "cleo") and found.singers == ("ann", "ben", "cleo")


def test_a_wavenet_is_enrolled_into_as_well(recordings: Path) -> None:
    found = enrol(voice_of("usvc"), "cleo", [recordings], lessons=replace(QUICK, steps=1, seconds=0.1))
    assert found.voice.singers[2] == "cleo" and found.unit.name == "bits" and 4.0 < found.after < 12.0


def test_what_cannot_be_enrolled_is_refused_with_a_remedy(recordings: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'ben' has a place already"):
        enrol(voice_of(), "ben", [recordings])
    with pytest.raises(Unsupported, match="'nsynth' does not keep its singers in a table"):
        enrol(voice_of("nsynth"), "cleo", [recordings])
    with pytest.raises(CorpusError, match=r"2\.2 s of 'cleo' are too little"):
        recordings_of("cleo", [recordings / "song0.wav", recordings / "song1.wav"])
    with pytest.raises(CorpusError, match="holds no sound file"):
        recordings_of("cleo", [tmp_path])
    (tmp_path / "note.wav").write_text("no sound")
    with pytest.raises(CorpusError, match="None of 1 sound files can be read"):
        recordings_of("cleo", [tmp_path])


def test_a_copy_of_a_recording_counts_once(recordings: Path, tmp_path: Path) -> None:
    copy = tmp_path / "again.wav"
    copy.write_bytes((recordings / "song2.wav").read_bytes())
    whole = recordings_of("cleo", [recordings, copy])
    assert len(whole.recordings) == 3 and whole.seconds["cleo"] == pytest.approx(5.25)


def test_where_each_singer_has_a_decoder_the_newcomer_gets_one_and_nothing_else_moves(recordings: Path) -> None:
    given = voice_of("umt")
    lessons = replace(QUICK, steps=6, seconds=0.2, own_rate=1e-2)
    found = enrol(given, "cleo", [recordings], lessons=lessons)
    former, weights = given.model.state_dict(), found.voice.model.state_dict()
    assert all(torch.equal(former[name], weights[name]) for name in former)
    new = {name for name in weights if name not in former}
    assert new and all(name.startswith("decoder.decoders.2.") for name in new)
    assert found.voice.singers[2] == "cleo" and found.after < found.before
    with pytest.raises(ConfigError, match="--fine-tune has no meaning for the recipe 'umt'"):
        enrol(given, "cleo", [recordings], lessons=replace(lessons, fine_tune=True))
