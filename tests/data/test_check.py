"""The doctor: figures and findings for singers whose ills are known, and calm whatever the files are."""

import json
import math

import numpy as np
import pytest
import soundfile
import torch

from tests.mutations import write_mutated
from vocalise.audio.pitch import pitch_contour
from vocalise.data.accompaniment import company_in
from vocalise.data.check import examine
from vocalise.data.corpus import Corpus
from vocalise.errors import CorpusError

RATE = 16000


def voice(seconds=1.0, hz=220.0, rate=RATE, seed=0):
    """Harmonics under a moving envelope, with a breath of noise: enough of a singer for a doctor."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * hz * (time + 0.002 * np.sin(2 * np.pi * 5 * time) / 5)
    moving = 0.6 + 0.4 * np.sin(2 * np.pi * (0.7 + 0.2 * seed) * time)
    harmonics = [np.sin(n * phase) / n ** (1 + 0.2 * moving) for n in range(1, int(0.47 * rate / hz))]
    wave = moving * sum(harmonics) + 0.003 * rng.standard_normal(len(time))
    return 0.5 * wave / np.abs(wave).max()


def band(seconds=1.0, rate=RATE):
    """Bass, drums and chords, off the middle: (samples, 2)."""
    rng = np.random.default_rng(5)
    time = np.arange(round(seconds * rate)) / rate
    bass = 0.3 * np.sin(2 * np.pi * 55 * time)
    drums = 0.3 * rng.standard_normal((len(time), 2)) * (np.sin(2 * np.pi * 2 * time) > 0.95)[:, None]
    chord = sum(np.sin(2 * np.pi * hz * time + 1) for hz in (277.2, 349.2, 415.3)) * 0.2
    return bass[:, None] + drums + np.stack([chord, np.roll(chord, 300)], axis=1)


def write(folder, name, wave, rate=RATE, **kind):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave, rate, **kind)
    return path


def checked(folder, **options):
    return examine(Corpus.open(folder), **options)


def messages(report, level=None):
    return [finding.message for finding in report.findings if level in (None, finding.level)]


def test_a_healthy_pair_gets_figures_and_no_warning_but_for_length(data):
    write(data, "ada/song.wav", voice(hz=330))
    write(data, "bob/tune.wav", voice(hz=130, seed=1))
    report = checked(data)
    assert report.trainable and [one.singer for one in report.singers] == ["ada", "bob"]
    for one, hz in zip(report.singers, (330, 130), strict=True):
        assert one.pitch is not None and one.pitch[1] == pytest.approx(hz, rel=0.01)
        assert one.pitch[0] < one.pitch[1] < one.pitch[2]
        assert one.minutes == pytest.approx(1 / 60) and one.files == 1
        assert not one.company.likely and one.clipped_files == 0 and one.voiced > 0.9
    (warning,) = messages(report, "warning")
    assert warning == "ada (1 s), bob (1 s): too little to learn a voice from."


def test_a_band_is_likely_company_and_a_voice_alone_is_not(data):
    alone = voice(hz=240)
    write(data, "alone/song.wav", np.stack([alone, alone], axis=1))
    write(data, "mixed/song.wav", 0.4 * alone[:, None] + 0.3 * band())
    alone_one, mixed = checked(data).singers
    assert not alone_one.company.likely
    assert mixed.company.likely and len(mixed.company.reasons) >= 2


def test_a_mono_mix_is_recognised_too(data):
    write(data, "mixed/song.wav", 0.4 * voice(hz=240) + 0.3 * band().mean(axis=1))
    (mixed,) = checked(data).singers
    assert mixed.company.width is None and mixed.company.likely


def test_hum_alone_is_not_called_company(data):
    hum = 0.1 * np.sin(2 * np.pi * 50 * np.arange(RATE) / RATE)
    write(data, "hum/song.wav", voice(hz=240) + hum)
    (one,) = checked(data).singers
    assert one.company.low is not None and one.company.low > -20
    assert not one.company.likely


def test_a_whole_song_with_a_band_has_company_and_a_song_alone_has_none():
    alone = torch.from_numpy(voice(seconds=7, hz=240)).float()
    mixed = 0.4 * alone + 0.3 * torch.from_numpy(band(seconds=7).T).float()
    for song, likely in ((alone[None], False), (alone.expand(2, -1), False), (mixed, True), (mixed[:1], True)):
        contour = pitch_contour(song.mean(dim=0), RATE)
        assert company_in(song, RATE, contour).likely is likely
    nothing = torch.zeros(2, RATE)
    assert not company_in(nothing, RATE, pitch_contour(nothing[0], RATE)).likely


def test_each_ill_is_named_with_its_remedy(data):
    write(data, "clipped/a.wav", (6 * voice()).clip(-1, 1))
    write(data, "quiet/a.wav", 0.01 * voice(hz=300), subtype="PCM_24")
    write(data, "dull/a.wav", voice(hz=150, rate=8000), 8000)
    write(data, "noise/a.wav", 0.2 * np.random.default_rng(0).standard_normal(RATE))
    findings = checked(data).findings
    said = {finding.singer: finding.message for finding in findings if finding.singer and finding.level == "warning"}
    assert "clipped" in said["clipped"]
    assert "nothing above" in said["dull"] or "rate below" in said["dull"]
    assert "is this singing?" in said["noise"]
    assert any(finding.singer == "quiet" and "very quiet" in finding.message for finding in findings)
    assert all(finding.remedy for finding in findings if finding.level == "warning")


def test_the_same_recording_in_another_file_is_found_and_another_singer_of_the_same_song_is_not(data):
    song = voice(hz=220)
    write(data, "ada/song.wav", song)
    write(data, "bob/other name.ogg", song)
    write(data, "eve/song.wav", voice(hz=222, seed=3))
    twins = [finding for finding in checked(data).findings if "same recording" in finding.message]
    assert [twin.singer for twin in twins] == ["bob"]
    assert "of ada" in twins[0].message and twins[0].level == "warning"


def test_one_broken_file_does_not_end_the_examination(data):
    write(data, "ada/good.wav", voice())
    broken = write(data, "ada/broken.wav", voice())
    broken.write_bytes(broken.read_bytes()[:3000])
    report = checked(data)
    assert report.trainable and report.singers[0].files == 1
    assert any("broken.wav" in message and "truncated" in message for message in messages(report, "warning"))


def test_nothing_but_silence_cannot_be_trained_on(data):
    write(data, "ada/silence.wav", np.zeros(RATE))
    report = checked(data)
    assert not report.trainable and report.singers == ()
    assert report.findings[0].level == "error"


def test_a_silent_recording_is_left_out_of_the_figures(data):
    write(data, "ada/song.wav", voice())
    write(data, "ada/silence.wav", np.zeros(RATE))
    report = checked(data)
    assert report.singers[0].files == 1
    assert any("silence.wav is silent" in message for message in messages(report))


def test_a_single_singer_and_an_uneven_pair_are_pointed_out(data):
    write(data, "ada/song.wav", voice(3.6))
    assert any("only singer" in message for message in messages(checked(data)))
    write(data, "bob/tune.wav", voice(0.3, hz=150))
    assert any("12 times as much as bob" in message for message in messages(checked(data)))


def test_the_report_is_plain_json_even_where_nothing_was_measured(data):
    write(data, "ada/click.wav", np.array([0.5, -0.5]))
    write(data, "bob/noise.wav", 0.2 * np.random.default_rng(0).standard_normal(RATE))
    facts = json.loads(json.dumps(checked(data).facts(), allow_nan=False))
    assert [one["singer"] for one in facts["singers"]] == ["ada", "bob"]
    assert facts["singers"][0]["pitch"] is None and facts["singers"][0]["harmonic"] is None


def test_progress_goes_on_to_its_end(data):
    write(data, "ada/a.wav", voice(1.0))
    write(data, "ada/b.wav", voice(1.0, hz=180))
    told = []
    checked(data, progress=lambda what, done, total, note="": told.append((what, done / total)))
    for what in ("hearing", "measuring pitch"):
        shares = [share for name, share in told if name == what]
        assert shares == sorted(shares) and shares[-1] == pytest.approx(1.0)


def test_pitch_is_measured_in_the_time_allowed(data):
    write(data, "ada/long.wav", voice(11.0))
    (one,) = checked(data, pitch_seconds=5.0).singers
    assert len(one.pitches) == pytest.approx(500, abs=2)
    assert len(one.sample) == 5 * RATE


def examine_damaged(folder, count):
    paths = write_mutated(folder, count)
    report = checked(folder, pitch_seconds=0.5)
    json.dumps(report.facts(), allow_nan=False)
    told = {finding.path for finding in report.findings}
    readable = sum(one.files for one in report.singers)
    assert len(told & set(paths)) > count / 5 and readable > count / 5
    for finding in report.findings:
        assert 5 < len(finding.message) < 700 and "\n" not in finding.message and "Traceback" not in finding.message
    for one in report.singers:
        assert one.level is not None and one.level < 40 and 0 <= one.silence <= 1 and not math.isnan(one.clipped)


def test_damaged_files_become_findings(data):
    examine_damaged(data, 60)


@pytest.mark.slow
def test_five_hundred_damaged_files_become_findings(data):
    examine_damaged(data, 500)


def test_a_corpus_of_damaged_files_only_is_refused_in_one_line(data):
    for name in ("ada/a.wav", "bob/b.flac"):
        path = data / name
        path.parent.mkdir()
        path.write_bytes(b"RIFF what is this" * 3)
    with pytest.raises(CorpusError) as error:
        checked(data)
    assert "\n" not in str(error.value)
