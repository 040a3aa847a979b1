import numpy as np
import pytest
import soundfile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vocalise.data.batches import FLOOR, Batch, Batches, loudness_of, windows
from vocalise.data.corpus import Corpus, Piece
from vocalise.data.prepare import prepare
from vocalise.errors import ConfigError, CorpusError
from vocalise.parts.contracts import Excerpts

RATE = 8000
HOP = 80


@pytest.fixture
def prepared(data, sing):
    """Three singers of one, two and three songs; each file's pitch is its own, and so is told from any excerpt."""
    for number, singer in enumerate(("Ada", "Bob", "Cleo")):
        for song in range(number + 1):
            sing(f"{singer}/{song}.wav", 2.0 + song, hz=100 * (number + 1) + 25 * song)
    return prepare(Corpus.open(data, rate=RATE))


def pieces_of(prepared):
    return [Piece(recording) for recording in prepared.corpus.recordings]


def heard(wave):
    """The lowest strong partial of an excerpt, in Hz."""
    spectrum = np.abs(np.fft.rfft(wave.numpy() * np.hanning(len(wave))))
    return int(np.flatnonzero(spectrum > 0.5 * spectrum.max())[0]) * RATE / len(wave)


def equal(one: Batch, other: Batch) -> bool:
    names = ("wave", "singer", "pitch", "voicing", "loudness")
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)


def test_a_batch_has_the_shapes_that_the_parts_expect(prepared):
    batch: Excerpts = Batches(prepared, pieces_of(prepared), samples=2400, hop=HOP).draw(5)
    assert batch.wave.shape == (5, 2400) and batch.wave.dtype == torch.float32
    assert batch.singer.shape == (5,) and batch.singer.dtype == torch.long
    for control in (batch.pitch, batch.voicing, batch.loudness):
        assert control.shape == (5, 30) and control.dtype == torch.float32
    assert not batch.pitch.any() and not batch.voicing.any()
    assert batch.wave.abs().max() <= 0.9501


def lies_in(part: torch.Tensor, song: torch.Tensor) -> bool:
    starts = (song[: max(0, len(song) - len(part) + 1)] == part[0]).nonzero()[:, 0]
    return any(torch.equal(song[start : start + len(part)], part) for start in starts.tolist())


def test_what_came_before_an_excerpt_comes_with_it(prepared):
    pieces = pieces_of(prepared)
    with_lead = Batches(prepared, pieces, samples=800, hop=HOP, lead=4000).draw(30)
    assert with_lead.before.shape == (30, 4000)
    assert equal(with_lead, Batches(prepared, pieces, samples=800, hop=HOP).draw(30))
    songs = [prepared.excerpt(piece, 0, int(np.diff(prepared.span(piece))[0])) for piece in pieces]
    for before, wave in zip(with_lead.before, with_lead.wave, strict=True):
        whole = torch.cat([before, wave])
        sounding = whole[int(whole.abs().gt(0).int().argmax()) :]
        assert any(lies_in(sounding, song) for song in songs)
    assert (with_lead.before[:, 0] == 0).any() and with_lead.before.abs().amax(dim=1).min() >= 0.0
    held = windows(prepared, pieces, samples=800, hop=HOP, most=12, lead=400)
    assert held.before.shape == (12, 400)
    assert equal(held, windows(prepared, pieces, samples=800, hop=HOP, most=12))
    assert [len(part) for part in held.parts(5)] == [5, 5, 2]
    assert torch.equal(held.rows(slice(2, 4)).before, held.before[2:4])


def test_labels_are_true_and_every_singer_comes_once_a_round(prepared):
    batch = Batches(prepared, pieces_of(prepared), samples=2400, hop=HOP, seed=3).draw(60)
    assert torch.equal(batch.singer.reshape(20, 3).sort(dim=1).values, torch.arange(3).expand(20, 3))
    assert len({tuple(row) for row in batch.singer.reshape(20, 3).tolist()}) > 2
    for wave, label in zip(batch.wave, batch.singer, strict=True):
        assert 100 * (int(label) + 1) - 5 < heard(wave) < 100 * (int(label) + 2) - 5


def test_songs_of_a_singer_come_alike_whatever_their_length(data, sing):
    sing("Ada/short.wav", 0.5, hz=200)
    sing("Ada/long.wav", 20.0, hz=300)
    prepared = prepare(Corpus.open(data, rate=RATE))
    batch = Batches(prepared, pieces_of(prepared), samples=800, hop=HOP).draw(400)
    share = np.mean([heard(wave) > 250 for wave in batch.wave])
    assert 0.4 < share < 0.6


def test_starts_are_spread_over_the_whole_piece_and_stay_inside(data, sing):
    sing("Ada/ramp.wav", 4.0)
    soundfile.write(data / "Ada/ramp.wav", np.linspace(0.2, 1.0, 4 * RATE), RATE)
    prepared = prepare(Corpus.open(data, rate=RATE))
    (piece,) = pieces_of(prepared)
    inner = Piece(piece.recording, 1.0, 3.0)
    starts = Batches(prepared, [inner], samples=800, hop=HOP).draw(400).wave[:, 0] / 0.95
    low, high = 0.2 + 0.8 * 0.25, 0.2 + 0.8 * (3.0 - 0.1) / 4
    assert low - 1e-3 <= starts.min() < low + 0.02 and high - 0.02 < starts.max() <= high + 1e-3
    assert starts.mean().item() == pytest.approx((low + high) / 2, abs=0.03)


def test_the_stream_is_the_same_in_batches_of_any_size(prepared):
    whole = Batches(prepared, pieces_of(prepared), samples=800, hop=HOP, seed=1).draw(12)
    parts = Batches(prepared, pieces_of(prepared), samples=800, hop=HOP, seed=1)
    assert torch.equal(torch.cat([parts.draw(count).wave for count in (1, 4, 7)]), whole.wave)
    other = Batches(prepared, pieces_of(prepared), samples=800, hop=HOP, seed=2).draw(12)
    assert not torch.equal(other.wave, whole.wave)


def test_the_order_in_which_pieces_are_given_does_not_matter(prepared):
    one = Batches(prepared, pieces_of(prepared), samples=800, hop=HOP).draw(8)
    assert equal(one, Batches(prepared, pieces_of(prepared)[::-1], samples=800, hop=HOP).draw(8))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.integers(0, 30), count=st.integers(1, 6), seed=st.integers(0, 2**63 - 1))
def test_resumption_is_exact_at_any_step(prepared, before, count, seed):
    first = Batches(prepared, pieces_of(prepared), samples=800, hop=HOP, seed=seed)
    first.draw(before)
    state = {name: value.clone() for name, value in first.state().items()}
    expected = [first.draw(count), first.draw(1)]
    second = Batches(prepared, pieces_of(prepared), samples=800, hop=HOP, seed=0)
    second.restore(state)
    assert all(equal(second.draw(len(batch)), batch) for batch in expected)


def test_a_recording_shorter_than_an_excerpt_lies_in_it_whole(data, sing):
    sing("Ada/short.wav", 0.1)
    sing("Ada/long.wav", 3.0, hz=300)
    prepared = prepare(Corpus.open(data, rate=RATE))
    batch = Batches(prepared, pieces_of(prepared), samples=1600, hop=HOP).draw(60)
    (short,) = [prepared.wave(piece) for piece in pieces_of(prepared) if piece.recording.song == "short"]
    padded = [wave for wave in batch.wave if (wave == 0).sum() >= 800]
    assert 15 < len(padded) < 45
    starts = set()
    for wave in padded:
        (place,) = np.flatnonzero(wave.numpy() == np.abs(wave.numpy()).max())[:1]
        start = int(place) - int(np.abs(short.astype(int)).argmax())
        starts.add(start)
        assert torch.allclose(wave[start : start + 800], torch.from_numpy(short.astype(np.float32)) / 32767)
        assert not wave[:start].any() and not wave[start + 800 :].any()
    assert min(starts) >= 0 and max(starts) <= 800 and len(starts) > 10


def test_silence_is_drawn_again(data, sing):
    tone = 0.5 * np.sin(2 * np.pi * 200 * np.arange(2 * RATE) / RATE)
    sing("Ada/song.wav")
    soundfile.write(data / "Ada/song.wav", np.concatenate([np.zeros(2 * RATE), tone]), RATE)
    prepared = prepare(Corpus.open(data, rate=RATE))
    batch = Batches(prepared, pieces_of(prepared), samples=800, hop=HOP).draw(200)
    silent = (batch.loudness <= -60).all(dim=1).float().mean()
    assert silent < 0.03  # half of all excerpts are, and eight tries leave one in 256


def test_a_piece_of_nothing_but_silence_does_not_hang(data, sing):
    tone = 0.5 * np.sin(2 * np.pi * 200 * np.arange(2 * RATE) / RATE)
    sing("Ada/song.wav")
    soundfile.write(data / "Ada/song.wav", np.concatenate([np.zeros(2 * RATE), tone]), RATE)
    prepared = prepare(Corpus.open(data, rate=RATE))
    quiet = Piece(prepared.corpus.recordings[0], 0.0, 1.9)
    batch = Batches(prepared, [quiet], samples=800, hop=HOP).draw(3)
    assert not batch.wave.any() and torch.all(batch.loudness == FLOOR)


def test_controls_sit_at_the_centres_of_their_frames(data):
    glide = np.linspace(200, 400, 2 * RATE)  # Hz, so that time can be read from the pitch: 5 Hz are half a frame
    phase = 2 * np.pi * np.cumsum(glide) / RATE
    rising = np.linspace(0.02, 1.0, 2 * RATE)
    (data / "Ada").mkdir()
    soundfile.write(data / "Ada/glide.wav", rising * sum(np.sin(k * phase) / k for k in range(1, 7)) / 3, RATE)
    prepared = prepare(Corpus.open(data, rate=RATE), contours=True)
    (piece,) = pieces_of(prepared)
    whole = prepared.wave(piece).astype(np.float32) / 32767
    batch = Batches(prepared, [piece], samples=4000, hop=400).draw(6)
    wrong = []
    for wave, pitch, voicing, loudness in zip(batch.wave, batch.pitch, batch.voicing, batch.loudness, strict=True):
        start = int(np.argmin([np.abs(whole[k : k + 4000] - wave.numpy()).max() for k in range(len(whole) - 3999)]))
        centres = start + 400 * (np.arange(10) + 0.5)
        assert voicing.sum() >= 8
        wrong.append((pitch.numpy() - np.interp(centres, np.arange(2 * RATE), glide))[voicing.numpy() == 1])
        frames = 10 * np.log10((wave.numpy().reshape(10, 400) ** 2).mean(1))
        assert np.allclose(loudness.numpy(), frames, atol=1e-3)
    assert abs(np.median(np.concatenate(wrong))) < 1.0


def test_pitch_is_zero_in_the_padding(data, sing):
    sing("Ada/short.wav", 0.3, hz=220)
    prepared = prepare(Corpus.open(data, rate=RATE), contours=True)
    batch = Batches(prepared, pieces_of(prepared), samples=8000, hop=HOP).draw(4)
    padding = batch.wave.reshape(4, 100, HOP).abs().amax(dim=2) == 0
    assert padding.sum() > 200
    assert not batch.pitch[padding].any() and not batch.voicing[padding].any() and batch.voicing.sum() > 40


@pytest.mark.parametrize("hop", [1, 7, 80, 255, 256, 800])
def test_loudness_of_a_tone_is_its_level_everywhere(hop):
    wave = 0.5 * torch.sin(2 * torch.pi * 100 * torch.arange(8000) / RATE)
    levels = loudness_of(wave, rate=RATE, hop=hop)
    assert levels.shape == (8000 // hop,)
    inner = levels[len(levels) // 8 : -len(levels) // 8]
    assert (inner - (-9.03)).abs().max() < 0.6
    assert (loudness_of(torch.zeros(2, 3, 800), rate=RATE, hop=hop) == FLOOR).all()


@pytest.mark.parametrize("samples", [0, 79, 81, 2401])
def test_an_excerpt_that_is_no_multiple_of_the_hop_is_refused(prepared, samples):
    for make in (Batches, lambda *given, **more: windows(*given, most=4, **more)):
        with pytest.raises(ConfigError, match="no multiple of its hop of 80: choose"):
            make(prepared, pieces_of(prepared), samples=samples, hop=HOP)
    with pytest.raises(ConfigError, match="hop of 1 or more"):
        Batches(prepared, pieces_of(prepared), samples=800, hop=0)


def test_nothing_to_draw_from_is_an_error(prepared):
    with pytest.raises(CorpusError, match="nothing to draw"):
        Batches(prepared, [], samples=800, hop=HOP)
    with pytest.raises(ConfigError, match="seed cannot be -1"):
        Batches(prepared, pieces_of(prepared), samples=800, hop=HOP, seed=-1)


def test_pieces_that_could_not_be_prepared_are_left_out(data, sing):
    sing("Ada/silent.wav", peak=0.0)
    sing("Bob/song.wav", hz=250)
    corpus = Corpus.open(data, rate=RATE)
    prepared = prepare(corpus)
    batch = Batches(prepared, corpus.split().train, samples=800, hop=HOP).draw(4)
    assert [prepared.singers[label] for label in batch.singer] == ["Bob"] * 4


def test_a_batch_moves_to_a_device(prepared):
    batch = Batches(prepared, pieces_of(prepared), samples=800, hop=HOP).draw(2)
    assert equal(batch.to("cpu"), batch) and batch.to("meta").wave.device.type == "meta"


def test_windows_are_fixed_balanced_active_and_apart(data, sing):
    for number, singer in enumerate(("Ada", "Bob", "Cleo")):
        sing(f"{singer}/a.wav", 6.0, hz=100 * (number + 1))
    soundfile.write(data / "Ada/b.wav", np.r_[np.zeros(4 * RATE), np.random.default_rng(0).uniform(-1, 1, RATE)], RATE)
    prepared = prepare(Corpus.open(data, rate=RATE))
    batch = windows(prepared, pieces_of(prepared), samples=RATE, hop=HOP, most=13, seed=5)
    assert len(batch) == 12 and batch.singer.bincount().tolist() == [4, 4, 4]
    assert batch.singer[:3].tolist() == [0, 1, 2]
    assert ((batch.loudness > -60).float().mean(dim=1) >= 0.5).all()
    assert equal(windows(prepared, pieces_of(prepared)[::-1], samples=RATE, hop=HOP, most=13, seed=5), batch)
    every = windows(prepared, pieces_of(prepared), samples=RATE, hop=HOP, most=1000)
    assert every.singer.bincount().tolist() == [7, 6, 6]
    for piece in pieces_of(prepared):
        for start in range(0, len(prepared.wave(piece)) - RATE + 1, RATE):
            window = prepared.excerpt(piece, start, RATE)
            taken = int((every.wave == window).all(dim=1).sum())
            assert taken == (1 if window.any() else 0) or piece.recording.song == "a"


def test_windows_stay_inside_held_out_pieces(data, sing):
    sing("Ada/song.wav", 1.0)
    noise = np.random.default_rng(0).uniform(-1, 1, 60 * RATE)
    soundfile.write(data / "Ada/song.wav", noise, RATE)
    prepared = prepare(Corpus.open(data, rate=RATE))
    (held,) = prepared.corpus.split().held_out
    batch = windows(prepared, [held], samples=RATE, hop=HOP, most=100)
    inside = {prepared.excerpt(held, start, RATE).numpy().tobytes() for start in range(0, 6 * RATE, RATE)}
    assert {wave.numpy().tobytes() for wave in batch.wave} == inside and len(batch) == 6


def test_a_piece_shorter_than_a_window_gives_one_padded_window(data, sing):
    sing("Ada/short.wav", 0.7)
    prepared = prepare(Corpus.open(data, rate=RATE))
    batch = windows(prepared, pieces_of(prepared), samples=RATE, hop=HOP, most=10)
    assert len(batch) == 1 and batch.wave[0, :5600].any() and not batch.wave[0, 5600:].any()


def test_windows_of_nothing_are_none(prepared):
    batch = windows(prepared, [], samples=800, hop=HOP, most=10)
    assert len(batch) == 0 and batch.wave.shape == (0, 800) and batch.loudness.shape == (0, 10)
