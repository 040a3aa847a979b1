"""Singers that belong to nobody: twelve by hand, as many more as wanted by chance; each differs as people do.

What makes a voice: the length of the tract and its upper resonances, how the vocal folds close (Rd of Fant, 1995),
breath, vibrato (rate 4.8 to 6.8 Hz, extent 20 to 90 cents: Sundberg, 1987), glides, jitter and shimmer, an accent.
"""

import math
import zlib
from dataclasses import dataclass

import numpy as np

from vocalise.data.choir.phonemes import GROUP_TRACTS, SPEED_OF_SOUND, VOWELS, Array
from vocalise.errors import CorpusError

ACCENT = 0.025  # relative spread of a singer's own vowels round the published mean; people differ more (Hillenbrand)


NEAREST = 260.0  # Hz between F3 and F4 at least


@dataclass(frozen=True)
class Singer:
    """One virtual voice.

    Attributes:
        tract: length of the vocal tract, cm.
        octave: how many octaves above the score this voice sings (0 low, 1 high).
        rd: shape of the glottal pulse, 0.4 pressed and bright to 2.5 breathy and dark (Fant, 1995).
        breath: level of the breath noise against the voice, dB.
        ring: how closely F4 and F5 gather above F3, 0 (a tube) to 1 (the singer's formant of opera).
        nasal: detuning of the nasal pole and zero in vowels, 0 to 0.3.
        damping: factor on the bandwidths.
        vibrato: rate in Hz, extent in cents (peak), and the time it takes to set in, s.
        glide: how long the pitch takes from note to note, s.
        scoop: how far below the note a phrase begins, cents.
        roughness: factor on the jitter and shimmer of a healthy voice (0.3 % and 0.16 dB).
    """

    name: str
    tract: float
    octave: int
    rd: float
    breath: float
    ring: float
    nasal: float
    damping: float
    vibrato: tuple[float, float, float]
    glide: float
    scoop: float
    roughness: float

    def vowel(self, name: str) -> Array:
        """The formants F1 to F5 of a vowel in this singer's mouth, Hz, shape (5,)."""
        low, high = min(GROUP_TRACTS), max(GROUP_TRACTS)
        between = float(np.clip(self.tract, low, high))
        order = np.argsort(GROUP_TRACTS)
        logs = np.log(VOWELS[name])
        lower = [float(np.interp(between, GROUP_TRACTS[order], logs[order, n])) for n in range(3)]
        own = self._accent(name)
        formants = np.exp(np.array(lower) + own) * (between / self.tract)
        return self.complete(formants)

    def complete(self, formants: Array) -> Array:
        """Adds F4 and F5 to F1 to F3 in Hz, moved up where these come too near: (3,) to (5,)."""
        return np.concatenate([formants, np.maximum(self.upper, formants[2] + np.array([NEAREST, 2.2 * NEAREST]))])

    @property
    def jitter(self) -> float:
        """Mean difference of neighbouring periods, relative."""
        return 0.003 * self.roughness

    @property
    def shimmer(self) -> float:
        """Spread of the amplitude of neighbouring periods, dB."""
        return 0.16 * self.roughness

    @property
    def scale(self) -> float:
        """How much higher this tract resonates than that of the men in the tables."""
        return float(GROUP_TRACTS[0] / self.tract)

    @property
    def upper(self) -> Array:
        """F4 and F5, which hardly move with the vowel, Hz."""
        tube = SPEED_OF_SOUND / (4 * self.tract)
        own = 0.02 * _draws(f"upper {self.name}", 2)
        apart = np.array([7.0, 9.0]) * tube * (1 + own)
        gathered = np.array([5.75, 6.7]) * tube * (1 + own)
        return (1 - self.ring) * apart + self.ring * gathered

    @property
    def sibilance(self) -> tuple[float, float]:
        """Of this singer's hisses: factor on their frequency, level in dB."""
        own = _draws(f"sibilance {self.name}", 2)
        return float(self.scale**0.6 * (1 + 0.04 * own[0])), float(np.clip(1.5 * own[1], -3, 3))

    def _accent(self, vowel: str) -> Array:
        """A singer's habit (all vowels alike) and accent (each vowel its own way), as offsets of log formants."""
        habit, accent = _draws(f"habit {self.name}", 3), _draws(f"accent {self.name} {vowel}", 3)
        return ACCENT * np.clip(0.5 * habit + 0.7 * accent, -1.6, 1.6)


def _draws(key: str, count: int) -> Array:
    """Standard normal numbers that depend on the key only, and are the same on every machine."""
    return np.random.default_rng(zlib.crc32(key.encode())).standard_normal(count)


# fmt: off
PRESETS: tuple[Singer, ...] = (
    # A clear soprano, a heavy bass, a warm alto, a ringing tenor, a girl, a breathy baritone; then six more.
    #                   octave       breath      nasal            vibrato        glide       roughness
    #      name     tract     rd           ring        damping                          scoop
    Singer("Ada",   14.4, 1, 0.95, -36.0, 0.35, 0.02, 0.90, (5.9, 45.0, 0.25), 0.07, 20.0, 0.7),
    Singer("Bruno", 17.9, 0, 0.75, -40.0, 0.90, 0.05, 0.85, (5.0, 55.0, 0.40), 0.10, 60.0, 1.3),
    Singer("Clara", 15.6, 1, 1.60, -31.5, 0.05, 0.04, 1.20, (5.4, 30.0, 0.50), 0.12, 90.0, 1.0),
    Singer("Dario", 16.5, 0, 0.55, -42.0, 1.00, 0.12, 0.80, (6.3, 65.0, 0.15), 0.06, 10.0, 0.8),
    Singer("Elin",  12.8, 1, 1.25, -31.0, 0.00, 0.03, 1.10, (5.6, 12.0, 0.60), 0.05, 40.0, 1.1),
    Singer("Felix", 17.1, 0, 1.75, -30.0, 0.10, 0.01, 1.30, (5.3, 18.0, 0.70), 0.09, 110.0, 1.6),
    Singer("Greta", 15.0, 1, 0.65, -38.0, 0.80, 0.18, 0.85, (6.6, 80.0, 0.20), 0.11, 30.0, 0.9),
    Singer("Hugo",  17.4, 0, 1.15, -34.0, 0.45, 0.22, 1.00, (4.9, 35.0, 0.55), 0.14, 70.0, 2.0),
    Singer("Ines",  14.8, 1, 1.95, -28.5, 0.15, 0.08, 1.30, (5.1, 20.0, 0.45), 0.08, 60.0, 1.2),
    Singer("Jonas", 16.1, 0, 0.85, -35.0, 0.20, 0.02, 1.10, (5.8, 25.0, 0.35), 0.05, 15.0, 0.6),
    Singer("Kaja",  13.8, 1, 0.80, -33.0, 0.55, 0.26, 1.00, (6.1, 38.0, 0.30), 0.06, 100.0, 1.5),
    Singer("Leon",  13.1, 1, 1.45, -28.0, 0.00, 0.14, 0.95, (5.2, 8.0, 0.80), 0.07, 25.0, 0.8),
)
# fmt: on

# fmt: off
MORE_NAMES = (
    "Mira", "Nils", "Orla", "Pavel", "Romy", "Silas", "Tilda", "Ugo", "Vera", "Wim", "Xenia", "Yann", "Zoe", "Anton",
    "Britta", "Cosmo", "Dalia", "Emil", "Fanny", "Gero", "Hanne", "Ivo", "Juna", "Kolja", "Livia", "Matteo", "Nora",
    "Otis", "Petra", "Rasmus", "Selma", "Timo", "Ulla", "Vito", "Wanda", "Yuri",
)
# fmt: on


def singers(count: int, seed: int = 0) -> tuple[Singer, ...]:
    """The first singers of the choir: the twelve presets, whatever the seed, and then others drawn from it.

    Raises:
        CorpusError: fewer than one, or more than there are names for.
    """
    most = len(PRESETS) + len(MORE_NAMES)
    if not 1 <= count <= most:
        raise CorpusError(f"A choir of {count} singers cannot be had; choose 1 to {most}.")
    drawn = (_draw(name, place, seed) for place, name in enumerate(MORE_NAMES[: max(0, count - len(PRESETS))]))
    return (*PRESETS[:count], *drawn)


def _draw(name: str, place: int, seed: int) -> Singer:
    rng = np.random.default_rng([seed, place])
    octave = int(rng.integers(2))
    rd = math.exp(rng.uniform(math.log(0.55), math.log(2.0)))
    vibrato = (float(rng.uniform(4.8, 6.7)), float(rng.uniform(8, 80)), float(rng.uniform(0.15, 0.7)))
    return Singer(
        name=name,
        tract=float(rng.uniform(12.8, 15.6) if octave else rng.uniform(15.9, 18.0)),
        octave=octave,
        rd=rd,
        breath=float(-43 + 9 * rd + rng.uniform(-4, 4)),
        ring=float(rng.uniform(0, 1)),
        nasal=float(rng.uniform(0, 0.25)),
        damping=float(rng.uniform(0.8, 1.3)),
        vibrato=vibrato,
        glide=float(rng.uniform(0.05, 0.14)),
        scoop=float(rng.uniform(10, 110)),
        roughness=float(rng.uniform(0.6, 1.8)),
    )
