"""The catalogue of figures: what each is called, what it means, which way is better, and when it is a failure.

A new figure is a function in `measures/`, its name in `scoring`, and a row here; tables, page and findings follow.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Group = Literal["melody", "singer", "content", "sound", "truth", "integrity", "speed", "model"]
Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A row of the catalogue."""

    name: str  # in `Clip.figures` or `System.figures`
    title: str
    group: Group
    better: Better
    meaning: str
    unit: str = ""  # "%" for shares, which are kept in [0, 1]
    digits: int = 2
    beside: tuple[str, ...] = ()  # figures without which this one says little: ceilings and floors
    good: float | None = None  # headline: at least (at most) this is good …
    poor: float | None = None  # … and below (above) this is a failure

    @property
    def headline(self) -> bool:
        """Whether it decides if a conversion is a success."""
        return self.good is not None and self.poor is not None

    def verdict(self, value: float) -> Literal["good", "fair", "poor"]:
        """How a headline figure is to be taken."""
        if self.good is None or self.poor is None:
            raise ValueError(f"{self.name} is no headline figure.")
        sign = -1.0 if self.better == "lower" else 1.0
        if sign * value >= sign * self.good:
            return "good"
        return "poor" if sign * value < sign * self.poor else "fair"

    def shown(self, value: float | None) -> str:
        """The value as people read it, with its unit."""
        if value is None:
            return "–"
        if self.unit == "%":
            return f"{100.0 * value:.0f} %"
        return f"{value:.{self.digits}f} {self.unit}".strip()


# fmt: off
MEASURES: tuple[Measure, ...] = (
    # Melody: the scoring tracker on source and conversion; the ceiling is how far two trackers agree on the source.
    Measure(name="melody_kept", title="melody kept", group="melody", better="higher", unit="%", good=0.9, poor=0.6,
            beside=("rpa50", "rpa50_ceiling"),
            meaning="pitch within 50 cents, as a share of what two trackers agree on"),
    Measure(name="rpa50", title="pitch within 50 cents (RPA50)", group="melody", better="higher", unit="%",
            beside=("rpa50_ceiling",), meaning="share of the sung time in which the pitch is the source's"),
    Measure(name="rpa50_ceiling", title="RPA50 of two trackers on the source", group="melody", better="neither",
            unit="%",
            meaning="how far the trackers themselves agree, on the source"),
    Measure(name="chroma50", title="the same, whatever the octave", group="melody", better="higher", unit="%",
            beside=("chroma50_ceiling",), meaning="share of the sung time in which the note's name is the source's"),
    Measure(name="chroma50_ceiling", title="chroma of two trackers on the source", group="melody", better="neither",
            unit="%", meaning="how far the trackers themselves agree, on the source"),
    Measure(name="log_f0_correlation", title="log-F0 correlation", group="melody", better="higher", digits=3,
            beside=("log_f0_correlation_ceiling",), meaning="whether the melody goes up and down with the source's"),
    Measure(name="log_f0_correlation_ceiling", title="log-F0 correlation of two trackers", group="melody",
            better="neither", digits=3, meaning="how far the trackers themselves agree, on the source"),
    Measure(name="median_cents", title="median pitch error", group="melody", better="lower", unit="cents", digits=1,
            beside=("median_cents_ceiling",), meaning="half of the time the pitch is nearer than this"),
    Measure(name="median_cents_ceiling", title="median difference of two trackers", group="melody", better="neither",
            unit="cents", digits=1, meaning="how far the trackers themselves agree, on the source"),
    Measure(name="gross", title="gross pitch errors", group="melody", better="lower", unit="%",
            beside=("gross_ceiling",),
            meaning="share of the time voiced in both in which the pitch is off by more than 20 %"),
    Measure(name="gross_ceiling", title="gross differences of two trackers", group="melody", better="neither", unit="%",
            meaning="how far the trackers themselves disagree, on the source"),
    Measure(name="octave", title="octave errors", group="melody", better="lower", unit="%",
            meaning="share of the time voiced in both in which the note is right and the octave wrong"),
    Measure(name="voicing_error", title="voicing errors", group="melody", better="lower", unit="%",
            beside=("voicing_error_ceiling",), meaning="share of the time in which only one of the two has a pitch"),
    Measure(name="voicing_error_ceiling", title="voicing differences of two trackers", group="melody", better="neither",
            unit="%", meaning="how far the trackers themselves disagree, on the source"),
    Measure(name="frame_error", title="F0 frame errors", group="melody", better="lower", unit="%", good=0.15, poor=0.35,
            beside=("frame_error_ceiling",), meaning="share of the time with a voicing error or a gross pitch error"),
    Measure(name="frame_error_ceiling", title="frame differences of two trackers", group="melody", better="neither",
            unit="%", meaning="how far the trackers themselves disagree, on the source"),
    Measure(name="offset", title="transposition found", group="melody", better="neither", unit="cents", digits=0,
            meaning="median of conversion minus source"),
    Measure(name="transposition", title="transposition allowed for", group="melody", better="neither", unit="cents",
            digits=0, meaning="what was meant, and taken off before the pitch was compared"),
    Measure(name="rpa50_transposed", title="RPA50 once the offset is taken off", group="melody", better="higher",
            unit="%", beside=("offset",), meaning="pitch within 50 cents, whatever the key"),
    Measure(name="log_f0_rmse", title="RMS pitch error", group="melody", better="lower", unit="cents", digits=0,
            meaning="over the time voiced in both; a few octave errors fill it"),
    Measure(name="voiced_source", title="voiced share of the source", group="melody", better="neither", unit="%",
            meaning="share of the time in which the source has a pitch"),
    Measure(name="voiced", title="voiced share", group="melody", better="neither", unit="%", beside=("voiced_source",),
            meaning="share of the time in which the conversion has a pitch"),
    # Singer: judges that learnt from real recordings only. The headline is the least kind of the judges that can hear.
    Measure(name="target_heard", title="target heard", group="singer", better="higher", unit="%", good=0.8, poor=0.5,
            beside=("target_ceiling",), meaning="share of pieces taken for the target, by the strictest judge"),
    Measure(name="target_ceiling", title="target heard in real recordings", group="singer", better="neither", unit="%",
            meaning="share of held-out real pieces of the target told right, by the same judge"),
    Measure(name="source_heard", title="source still heard", group="singer", better="lower", unit="%", good=0.1,
            poor=0.5,
            meaning="share of pieces taken for the source singer, by the judge that says so most"),
    Measure(name="speaker_target", title="likeness to the target", group="singer", better="higher", digits=3,
            beside=("speaker_source", "speaker_ceiling"), meaning="cosine of speaker embeddings with real recordings"),
    Measure(name="speaker_source", title="likeness to the source", group="singer", better="lower", digits=3,
            meaning="cosine of speaker embeddings with real recordings of the source singer"),
    Measure(name="speaker_ceiling", title="likeness of the target to itself", group="singer", better="neither",
            digits=3,
            meaning="cosine between real recordings of the target"),
    # Content: a listener for sounds of speech, taught by the choir, that was made deaf to who sings.
    Measure(name="content_kept", title="content kept", group="content", better="higher", unit="%", good=0.7, poor=0.35,
            beside=("content_distance", "content_same", "content_unrelated"),
            meaning="1 where it is as near as another singer's rendering, 0 where it is as far as another song"),
    Measure(name="content_distance", title="content distance", group="content", better="lower", digits=3,
            beside=("content_same", "content_unrelated"),
            meaning="distance between the sounds of speech heard in both"),
    Measure(name="content_same", title="content distance of another singer's rendering", group="content",
            better="neither", digits=3, meaning="measured on the choir: the same words by two voices"),
    Measure(name="content_unrelated", title="content distance of other words", group="content", better="neither",
            digits=3, meaning="the song against itself elsewhere, or one of its sounds held; the nearer"),
    Measure(name="syllables", title="syllables recognised", group="content", better="higher", unit="%",
            beside=("syllables_source", "syllables_chance"), meaning="on the choir, whose syllables are known"),
    Measure(name="syllables_source", title="syllables recognised in the source", group="content", better="neither",
            unit="%", meaning="the ceiling"),
    Measure(name="syllables_chance", title="syllables by chance", group="content", better="neither", unit="%",
            meaning="the floor"),
    # Sound, against the source.
    Measure(name="loudness_correlation", title="loudness correlation", group="sound", better="higher", digits=3,
            good=0.85, poor=0.6, meaning="whether loud and soft moments are the source's"),
    Measure(name="mel_to_source", title="mel distance to the source", group="sound", better="neither", unit="dB",
            beside=("mel_floor",), meaning="RMS over 80 bands, down to 35 dB below its level; who sings is part of it"),
    Measure(name="mcd_world_to_source", title="mel-cepstral distance to the source, WORLD", group="sound",
            better="neither", unit="dB", meaning="24 mel-cepstra of the WORLD envelope, down to 35 dB below its level"),
    Measure(name="mcd_logmel_to_source", title="mel-cepstral distance to the source, log-mel", group="sound",
            better="neither", unit="dB", meaning="24 cepstra of the log-mel amplitude, down to 35 dB below its level"),
    Measure(name="stft_to_source", title="multi-resolution STFT distance to the source", group="sound",
            better="neither",
            meaning="spectral convergence and log magnitude, mean of three resolutions"),
    Measure(name="noise", title="noise floor", group="sound", better="lower", unit="dB", digits=0,
            beside=("noise_source",), meaning="level of the quietest moments below the loud ones"),
    Measure(name="noise_source", title="noise floor of the source", group="sound", better="neither", unit="dB",
            digits=0,
            meaning="level of the quietest moments below the loud ones"),
    # Truth: the target's own take of the same song, where there is one.
    Measure(name="mel_to_truth", title="mel distance to the target's own take", group="truth", better="lower",
            unit="dB",
            beside=("mel_source_to_truth", "mel_other_to_truth", "mel_floor"),
            meaning="RMS over 80 bands, down to 35 dB below its level"),
    Measure(name="mel_source_to_truth", title="… of the source", group="truth", better="neither", unit="dB",
            meaning="what doing nothing would give"),
    Measure(name="mel_other_to_truth", title="… of the nearest other singer", group="truth", better="neither",
            unit="dB",
            meaning="another real take of the same song, of the same section where there is one"),
    Measure(name="mcd_world_to_truth", title="mel-cepstral distance to the target's own take, WORLD", group="truth",
            better="lower", unit="dB", beside=("mcd_world_source_to_truth", "mcd_world_other_to_truth"),
            meaning="24 mel-cepstra of the WORLD envelope, down to 35 dB below its level"),
    Measure(name="mcd_world_source_to_truth", title="… of the source", group="truth", better="neither", unit="dB",
            meaning="what doing nothing would give"),
    Measure(name="mcd_world_other_to_truth", title="… of the nearest other singer", group="truth", better="neither",
            unit="dB", meaning="another real take of the same song, of the same section where there is one"),
    Measure(name="mcd_logmel_to_truth", title="mel-cepstral distance to the target's own take, log-mel", group="truth",
            better="lower", unit="dB", beside=("mcd_logmel_source_to_truth", "mcd_logmel_other_to_truth"),
            meaning="24 cepstra of the log-mel amplitude, down to 35 dB below its level"),
    Measure(name="mcd_logmel_source_to_truth", title="… of the source", group="truth", better="neither", unit="dB",
            meaning="what doing nothing would give"),
    Measure(name="mcd_logmel_other_to_truth", title="… of the nearest other singer", group="truth", better="neither",
            unit="dB", meaning="another real take of the same song, of the same section where there is one"),
    Measure(name="truth_warped", title="time warped for the comparison", group="truth", better="neither", unit="%",
            meaning="1 where the takes are not simultaneous and were aligned by dynamic time warping"),
    # Integrity.
    Measure(name="length_error", title="length error", group="integrity", better="lower", unit="s", digits=3, good=0.05,
            poor=0.5, meaning="how much longer or shorter it is than the source"),
    Measure(name="silence", title="silence where there is song", group="integrity", better="lower", unit="%", good=0.02,
            poor=0.2, meaning="share of the sounding time of the source in which nothing is heard"),
    Measure(name="clicks", title="clicks", group="integrity", better="lower", unit="per second", good=0.1, poor=2.0,
            beside=("clicks_source",), meaning="jumps that no voice makes, beyond the source's own"),
    Measure(name="clicks_source", title="clicks of the source", group="integrity", better="neither", unit="per second",
            meaning="jumps that no voice makes"),
    Measure(name="drift", title="drift in time", group="integrity", better="lower", unit="s", digits=3,
            meaning="how far it lags or leads, at worst; large drift is taken out before pitch is compared"),
    # Speed and model.
    Measure(name="real_time_factor", title="real-time factor", group="speed", better="lower",
            meaning="seconds of work for a second of song"),
    Measure(name="held_out_bits", title="held-out bits a sample", group="model", better="lower",
            meaning="teacher-forced, on songs it never heard; 8 is pure guessing"),
    Measure(name="held_out_distance", title="held-out spectral distance", group="model", better="lower", unit="dB",
            meaning="of its own renderings from songs it never heard, up to what the recordings hold"),
    Measure(name="held_out_envelope", title="held-out distance of envelopes", group="model", better="lower", unit="dB",
            meaning="of the spectral envelopes it draws from songs it never heard, level apart"),
    Measure(name="probe", title="singer probe on the latent", group="model", better="lower", unit="%",
            beside=("probe_chance", "probe_log_mel", "probe_untrained"),
            meaning="how often a fresh classifier tells the singer from what the bottleneck lets through"),
    Measure(name="probe_chance", title="the probe by chance", group="model", better="neither", unit="%",
            meaning="one in the number of singers"),
    Measure(name="probe_log_mel", title="the probe on the sound itself", group="model", better="neither", unit="%",
            meaning="the ceiling"),
    Measure(name="probe_untrained", title="the probe on an untrained encoder", group="model", better="neither",
            unit="%",
            meaning="the floor"),
    # References, which hold for all clips of a report.
    Measure(name="mel_floor", title="mel distance of two draws of one noise", group="sound", better="neither",
            unit="dB",
            meaning="nearer than this no measure of noisy sound gets"),
    Measure(name="bin_floor", title="per-bin spectral distance of two draws of one noise", group="sound",
            better="neither", unit="dB", meaning="nearer than this no measure of noisy sound gets"),
)
# fmt: on

BY_NAME = MappingProxyType({measure.name: measure for measure in MEASURES})
HEADLINES = tuple(measure for measure in MEASURES if measure.headline)
