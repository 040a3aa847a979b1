"""Making a listening test: what is drawn from, what is cut out, what is hidden, and what the key says."""

import json
import math
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from tests.evaluation.listening_room import RATE, SONGS, furnish, sing, write
from vocalise.audio.loudness import integrated_loudness, true_peak
from vocalise.errors import ConfigError
from vocalise.evaluation.listening import Setting, design, gather, key_path, obstacles, read_key, write_key
from vocalise.evaluation.listening.design import chosen_cells
from vocalise.evaluation.listening.excerpts import ANCHOR_Q, common_excerpts, degraded, excerpt_of, faded
from vocalise.evaluation.listening.key import KINDS, QUESTIONS
from vocalise.evaluation.listening.material import Cell
from vocalise.evaluation.records import Clip, Report


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    return furnish(tmp_path_factory.mktemp("room"))


@pytest.fixture(scope="module")
def material(room):
    return gather([room / "kestrel", room / "plover"], source=room / "source", target=room / "target")


@pytest.fixture(scope="module")
def listening(material):
    return design(material, Setting(questions=QUESTIONS, clips=3, seconds=2.0, seed=4))


def test_folders_of_sound_files_are_systems_and_their_common_names_are_songs(room, material):
    assert material.systems == ("kestrel", "plover")
    assert {cell.song for cell in material.cells} == set(SONGS)
    first = material.cells[0]
    assert first.versions == {name: room / name / f"{first.song}.wav" for name in material.systems}
    assert first.original == room / "source" / f"{first.song}.wav"
    assert {take.song for take in material.takes_of("target")} == {"hill", "lake"}
    assert len(material.takes_of("source")) == 4 and material.rate == RATE


def test_only_songs_that_all_systems_sang_are_compared(tmp_path):
    furnish(tmp_path)
    (tmp_path / "plover" / "dawn.wav").unlink()
    write(tmp_path / "kestrel" / "extra.wav", sing("extra", 900.0))
    material = gather([tmp_path / "kestrel", tmp_path / "plover"])
    assert {cell.song for cell in material.cells} == {"dusk", "noon", "night"}
    assert set(obstacles(material)) == {"similarity", "voice"}


def test_what_cannot_be_listened_to_is_refused(tmp_path):
    furnish(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    write(tmp_path / "other" / "elsewhere.wav", sing("x", 900.0))
    for folders, words in (
        ([empty], "neither a report.json nor any sound file"),
        ([tmp_path / "none"], "is no folder"),
        ([tmp_path / "kestrel", tmp_path / "kestrel"], "Two systems are called 'kestrel'"),
        ([tmp_path / "kestrel", tmp_path / "other"], r"No song was sung by all of kestrel \(4\), other \(1\)"),
    ):
        with pytest.raises(ConfigError, match=words):
            gather(folders)
    with pytest.raises(ConfigError, match="no file of a name"):
        gather([tmp_path / "kestrel"], source=tmp_path / "other")
    with pytest.raises(ConfigError, match="holds no sound file"):
        gather([tmp_path / "kestrel"], target=empty)


def report(folder, clips):
    from vocalise.evaluation.tables import write_tables

    facts = {"title": "t", "made": "2026-01-01T00:00:00+00:00", "command": "", "software": "", "machine": ""}
    whole = Report(**facts, seed=0, data="", persons=(), systems=(), clips=tuple(clips), rows=())
    folder.mkdir(parents=True, exist_ok=True)
    write_tables(whole, folder)


def evaluated(folder, system, voice):
    """The output of an evaluation of two songs of two singers, each as the other."""
    clips = []
    for song, source, target in (("dawn", "ada", "bo"), ("dusk", "bo", "ada")):
        name = f"{song}--as-{target}.wav"
        write(folder / "converted" / name, sing(song, voice))
        write(folder / "source" / f"{song}.wav", sing(song, 600.0 if source == "ada" else 1400.0))
        facts = {"song": song, "source": source, "source_path": f"source/{song}.wav", "system": system}
        clips.append(Clip(**facts, target=target, path=f"converted/{name}"))
        clips.append(Clip(**facts, target=source, path=f"converted/{name}", kind="reconstruction"))
        clips.append(Clip(**facts, target="cy", path="converted/gone.wav", state="failed"))
    report(folder, clips)
    return folder


def test_reports_give_conversions_with_their_singers_and_every_real_recording_they_name(tmp_path):
    one, two = (evaluated(tmp_path / name, "voice", hertz) for name, hertz in (("left", 900.0), ("right", 1200.0)))
    material = gather([one, two])
    assert material.systems == ("voice", "right/voice")  # two evaluations may have called it the same
    assert {cell.name for cell in material.cells} == {("dawn", "ada", "bo"), ("dusk", "bo", "ada")}
    assert {take.song for take in material.takes_of("ada")} == {"dawn"}
    assert obstacles(material) == {}
    test = design(material, Setting(questions=QUESTIONS, clips=2, seconds=2.0))
    assert {trial.role for trial in test.key.trials if trial.question == "voice"} == {"system", "target", "source"}


def test_a_report_whose_files_are_gone_is_told(tmp_path):
    folder = evaluated(tmp_path / "left", "voice", 900.0)
    for path in (folder / "converted").iterdir():
        path.unlink()
    with pytest.raises(ConfigError, match="without a conversion that is still there"):
        gather([folder])


def test_a_folder_for_each_target_is_told_from_a_folder_of_one(tmp_path):
    folder = evaluated(tmp_path / "left", "voice", 900.0)
    for singer in ("ada", "bo"):
        write(tmp_path / "real" / singer / "hill.wav", sing("hill", 700.0))
    material = gather([folder], target=tmp_path / "real")
    assert {take.song for take in material.takes_of("ada")} == {"dawn", "hill"}
    write(tmp_path / "flat" / "hill.wav", sing("hill", 700.0))
    with pytest.raises(ConfigError, match="has no folder for any of ada, bo"):
        gather([folder], target=tmp_path / "flat")


def test_all_versions_are_cut_at_one_moment_where_there_is_singing(room):
    paths = [room / folder / "dawn.wav" for folder in ("source", "kestrel", "plover")]
    found = common_excerpts(paths, RATE, 2.0, np.random.default_rng(0))
    assert len({(one.start, one.stop) for one in found}) == 1 and 1.0 < found[0].stop - found[0].start <= 2.0
    wave = found[0].read(RATE)
    assert len(wave) == round((found[0].stop - found[0].start) * RATE)
    assert float((wave.abs() > 0.01).float().mean()) > 0.5


def test_few_long_songs_give_several_phrases_that_share_no_moment(tmp_path):
    for folder, voice in (("kestrel", 900.0), ("plover", 1400.0), ("source", 600.0)):
        write(tmp_path / folder / "long.wav", sing("long", voice, 24.0))
    material = gather([tmp_path / "kestrel", tmp_path / "plover"], source=tmp_path / "source")
    key = design(material, Setting(questions=("quality",), clips=5, seconds=2.0)).key
    judged = [trial for trial in key.trials if trial.system == "kestrel"]
    assert len({trial.item for trial in judged}) == 5 and {trial.phrase for trial in judged} == set(range(5))
    starts = sorted((key.sounds[trial.clips[0]].start, key.sounds[trial.clips[0]].stop) for trial in judged)
    assert all(stop <= start for (_, stop), (start, _) in pairwise(starts))
    everything = design(material, Setting(questions=("quality",), clips=60, seconds=2.0)).key
    assert 8 <= len({trial.item for trial in everything.trials}) <= 20


def test_another_target_of_the_same_song_gets_another_phrase_if_there_is_one(tmp_path):
    clips = []
    write(tmp_path / "source.wav", sing("one", 600.0, 9.0))
    for target in ("bo", "cy", "di", "ed", "flo", "gus", "hal", "ira"):
        write(tmp_path / f"{target}.wav", sing("one", 1000.0, 9.0))
        facts = {"song": "one", "source": "ada", "source_path": "source.wav", "system": "voice"}
        clips.append(Clip(**facts, target=target, path=f"{target}.wav"))
    report(tmp_path, clips)
    for count, different in ((3, 3), (8, 4)):
        key = design(gather([tmp_path]), Setting(questions=("quality",), clips=count, seconds=2.0)).key
        judged = [trial for trial in key.trials if trial.role == "system"]
        assert len({trial.target for trial in judged}) == count
        assert len({key.sounds[trial.clips[0]].start for trial in judged}) >= different


def test_excerpts_keep_clear_of_each_other_until_there_is_nothing_left(room):
    path, lot, taken = room / "target" / "hill.wav", np.random.default_rng(1), []
    while (one := excerpt_of(path, RATE, 2.0, lot, avoid=taken)) is not None:
        assert not any(one.overlaps(other) for other in taken)
        taken.append(one)
    assert 2 <= len(taken) <= 5


def test_a_silent_file_has_no_excerpt_but_a_silent_conversion_is_still_played(tmp_path):
    furnish(tmp_path)
    silent = write(tmp_path / "silent.wav", np.zeros(RATE * 3))
    assert excerpt_of(silent, RATE, 2.0, np.random.default_rng(0)) is None
    for song in SONGS:
        write(tmp_path / "plover" / f"{song}.wav", np.zeros(RATE * 7))
    material = gather([tmp_path / "kestrel", tmp_path / "plover"], source=tmp_path / "source")
    test = design(material, Setting(questions=("quality",), clips=2, seconds=2.0))
    mute = [name for name, sound in test.key.sounds.items() if sound.system == "plover"]
    assert mute and all(test.waves[name].abs().max() == 0.0 for name in mute)


def test_songs_shorter_than_the_excerpt_are_played_whole(tmp_path):
    for folder in ("kestrel", "source"):
        write(tmp_path / folder / "tiny.wav", sing("tiny", 900.0)[:4000])
    material = gather([tmp_path / "kestrel"], source=tmp_path / "source")
    test = design(material, Setting(questions=("quality",), clips=6, seconds=6.0))
    assert {len(wave) for wave in test.waves.values()} == {4000}


def test_fades_begin_and_end_at_nothing_and_leave_the_middle_alone():
    shaped = faded(torch.ones(1000), 8000)
    assert abs(float(shaped[0])) < 1e-3 and abs(float(shaped[-1])) < 1e-3
    assert torch.equal(shaped[160:840], torch.ones(680)) and len(faded(torch.ones(1), 8000)) == 1


def test_the_anchor_is_dull_and_its_noise_is_6_db_below_it():
    time = torch.arange(16000) / 16000
    low, high = torch.sin(2 * math.pi * 400 * time), torch.sin(2 * math.pi * 3000 * time)
    worse = degraded(low + high, 16000, np.random.default_rng(0))
    assert 10.0 * math.log10(float(low.square().mean() / (worse - low).square().mean())) == pytest.approx(
        ANCHOR_Q, abs=0.2
    )
    loud = torch.cat([0.01 * low, low])
    halves = (degraded(loud, 16000, np.random.default_rng(0)) - loud).reshape(2, -1)[:, 4000:12000].square().mean(dim=1)
    assert float(halves[1] / halves[0]) == pytest.approx(1e4, rel=0.15)  # noise that follows the level


def test_everything_is_equally_loud_and_nothing_clips(listening):
    levels = [integrated_loudness(wave, RATE) for wave in listening.waves.values()]
    assert max(levels) - min(levels) < 0.1 and listening.key.level == pytest.approx(levels[0], abs=0.1)
    assert max(true_peak(wave, RATE) for wave in listening.waves.values()) < -0.9


def test_each_system_is_asked_about_as_often_and_checks_are_hidden_among_them(listening):
    asked = Counter((trial.question, trial.role, trial.system) for trial in listening.key.trials if not trial.practice)
    for question in ("quality", "similarity", "voice"):
        assert asked[question, "system", "kestrel"] == asked[question, "system", "plover"] == 3
    pairs = [trial for trial in listening.key.trials if trial.question == "systems"]
    assert len(pairs) == 4 and all({one.system, one.second} == {"kestrel", "plover"} for one in pairs)
    for pair in pairs:
        assert tuple(listening.key.sounds[clip].system for clip in pair.clips) == (pair.system, pair.second)
    assert len({pair.system for pair in pairs}) == 2
    for question, role in (("quality", "natural"), ("quality", "anchor"), ("similarity", "target")):
        assert asked[question, role, ""] == 2
    assert asked["voice", "target", ""] == asked["voice", "source", ""] == asked["similarity", "source", ""] == 2
    practised = Counter(trial.question for trial in listening.key.trials if trial.practice)
    assert practised == {"quality": 2, "similarity": 2, "voice": 1, "systems": 1}


def test_practice_uses_a_song_that_the_test_does_not(listening):
    songs = {practice: {t.song for t in listening.key.trials if t.practice is practice} for practice in (True, False)}
    assert len(songs[True]) == 1 and not songs[True] & songs[False]


def test_a_reference_is_real_and_no_moment_of_it_is_judged(listening):
    sounds = listening.key.sounds
    for trial in listening.key.trials:
        if trial.question == "similarity":
            judged, reference = (sounds[clip] for clip in trial.clips)
            assert reference.role == "reference" and reference.singer == "target"
            same = judged.path == reference.path
            assert not (same and judged.start < reference.stop and reference.start < judged.stop)
        if trial.question == "voice":
            right = sounds[trial.right]
            assert right.singer == ("source" if trial.role == "source" else "target")
            assert {sounds[clip].singer for clip in trial.clips[1:]} == {"source", "target"}


def test_the_same_seed_makes_the_same_test_and_another_seed_another(material, listening):
    setting = Setting(questions=QUESTIONS, clips=3, seconds=2.0, seed=4)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()
    again = design(material, setting)
    assert np.array_equal(before[0], np.random.get_state()[1]) and torch.equal(before[1], torch.get_rng_state())
    assert again.key == listening.key
    assert all(torch.equal(again.waves[name], wave) for name, wave in listening.waves.items())
    other = design(material, replace(setting, seed=5))
    assert other.key.test != listening.key.test and not set(other.waves) & set(listening.waves)


def test_the_order_of_ids_and_of_pairs_says_nothing(material):
    key = design(material, Setting(questions=QUESTIONS, clips=4, seconds=2.0)).key
    assert [trial.id for trial in key.trials] == sorted(trial.id for trial in key.trials)
    roles = [trial.role for trial in key.trials if trial.question == "quality"]
    assert roles != sorted(roles) and roles != sorted(roles, reverse=True)
    right_first = {trial.right == trial.clips[1] for trial in key.trials if trial.question == "voice"}
    assert right_first == {True, False}


def test_cells_are_chosen_evenly_over_targets_and_songs():
    cells = [
        Cell(song=song, source="s", target=target, original=None, versions={})
        for song in "abcd"
        for target in ("t", "u", "v")
    ]
    for seed in range(5):
        chosen = chosen_cells(cells, 6, np.random.default_rng(seed))
        assert set(Counter(cell.target for cell in chosen).values()) == {2}
        assert max(Counter(cell.song for cell in chosen).values()) == 2 and len(set(chosen_names(chosen))) == 6
    assert len(chosen_cells(cells, 99, np.random.default_rng(0))) == 12


def chosen_names(cells):
    return [cell.name for cell in cells]


def test_the_lowest_rate_is_everybodys_unless_another_is_asked_for(tmp_path):
    furnish(tmp_path)
    for song in SONGS:
        write(tmp_path / "plover" / f"{song}.wav", sing(song, 1400.0, rate=16000), 16000)
    material = gather([tmp_path / "kestrel", tmp_path / "plover"])
    assert material.rate == RATE
    test = design(material, Setting(questions=("quality",), clips=1, seconds=2.0, rate=16000))
    assert test.key.rate == 16000 and all(len(wave) > 16000 for wave in test.waves.values())


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"questions": ()}, "asks something"),
        ({"clips": 0}, "--clips 0"),
        ({"seconds": 0.5}, "--seconds 0.5"),
        ({"points": 7}, "--points 7"),
    ],
)
def test_settings_that_make_no_test_are_refused(facts, words):
    with pytest.raises(ConfigError, match=words):
        Setting(**({"questions": ("quality",)} | facts))


def test_a_question_that_the_material_cannot_answer_is_refused(room):
    material = gather([room / "kestrel"])
    for question in ("similarity", "voice", "systems"):
        with pytest.raises(ConfigError, match=f"'{question}' cannot be asked"):
            design(material, Setting(questions=(question,)))


def test_the_length_of_a_test_is_what_its_sounds_last_and_a_little_more(listening):
    questions = len(listening.key.trials)
    assert 60.0 * listening.minutes > 5.0 * questions + sum(map(len, listening.waves.values())) / RATE / 4
    assert 60.0 * listening.minutes < questions * (5.0 + 3 * 2.0)


def test_a_key_comes_back_from_disk_as_it_was(tmp_path, listening):
    path = key_path(tmp_path / "new" / "TEST.html")
    assert path.name == "TEST.key.json"
    write_key(path, listening.key)
    assert read_key(path) == listening.key and read_key(path).asked == QUESTIONS
    assert KINDS["mos"] + KINDS["abx"] == QUESTIONS


def test_a_damaged_key_is_refused_in_one_line(tmp_path, listening):
    path = tmp_path / "TEST.key.json"
    write_key(path, listening.key)
    whole = json.loads(path.read_text(encoding="utf-8"))
    trial = whole["trials"][0]
    for damage, words in (
        ({"what": "something else"}, "no key of a listening test"),
        ({"format": 2}, "format 2"),
        ({"test": "../.."}, "ids"),
        ({"sounds": {}}, "sounds that are not there"),
        ({"trials": [trial | {"clips": []}]}, "does not play"),
        ({"trials": [trial, trial]}, "ids"),
        ({"trials": [trial | {"question": "taste"}]}, "damaged"),
        ({"more": 1}, "no field 'more'"),
    ):
        path.write_text(json.dumps(whole | damage), encoding="utf-8")
        with pytest.raises(ConfigError, match=words) as refused:
            read_key(path)
        assert "\n" not in str(refused.value)
    for text in ("", "[]", "{", "[" * 100_000, '{"level": NaN}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match=r"TEST\.key\.json holds no JSON"):
            read_key(path)
