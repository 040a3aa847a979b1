"""The sounds of the choir: published vowel formants, consonants after Klatt (1980), and how a syllable is spelled.

Sounds are written in ARPAbet, joined by dots within a syllable: `S.T.AA.R`. Formants are those of the three groups of
the studies (men, women, children); a singer's tract length chooses a point between or just beyond them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from vocalise.errors import CorpusError

Array = NDArray[np.float64]

SPEED_OF_SOUND = 35_000.0  # cm/s, in warm moist air
SILENT = -200.0  # dB

# Peterson & Barney (1952), "Control methods used in a study of the vowels", JASA 24, table II: F1, F2, F3 in Hz.
PETERSON_BARNEY: Mapping[str, tuple[tuple[int, int, int], ...]] = MappingProxyType(
    {
        "IY": ((270, 2290, 3010), (310, 2790, 3310), (370, 3200, 3730)),
        "IH": ((390, 1990, 2550), (430, 2480, 3070), (530, 2730, 3600)),
        "EH": ((530, 1840, 2480), (610, 2330, 2990), (690, 2610, 3570)),
        "AE": ((660, 1720, 2410), (860, 2050, 2850), (1010, 2320, 3320)),
        "AA": ((730, 1090, 2440), (850, 1220, 2810), (1030, 1370, 3170)),
        "AO": ((570, 840, 2410), (590, 920, 2710), (680, 1060, 3180)),
        "UH": ((440, 1020, 2240), (470, 1160, 2680), (560, 1410, 3310)),
        "UW": ((300, 870, 2240), (370, 950, 2670), (430, 1170, 3260)),
        "AH": ((640, 1190, 2390), (760, 1400, 2780), (850, 1590, 3360)),
        "ER": ((490, 1350, 1690), (500, 1640, 1960), (560, 1820, 2160)),
    }
)

# Hillenbrand, Getty, Clark & Wheeler (1995), "Acoustic characteristics of American English vowels", JASA 97, table V.
HILLENBRAND: Mapping[str, tuple[tuple[int, int, int], ...]] = MappingProxyType(
    {
        "IY": ((342, 2322, 3000), (437, 2761, 3372), (452, 3081, 3702)),
        "IH": ((427, 2034, 2684), (483, 2365, 3053), (511, 2552, 3403)),
        "EY": ((476, 2089, 2691), (536, 2530, 3047), (564, 2656, 3323)),
        "EH": ((580, 1799, 2605), (731, 2058, 2979), (749, 2267, 3310)),
        "AE": ((588, 1952, 2601), (669, 2349, 2972), (717, 2501, 3289)),
        "AA": ((768, 1333, 2522), (936, 1551, 2815), (1002, 1688, 2950)),
        "AO": ((652, 997, 2538), (781, 1136, 2824), (803, 1210, 2982)),
        "OW": ((497, 910, 2459), (555, 1035, 2828), (597, 1137, 2987)),
        "UH": ((469, 1122, 2434), (519, 1225, 2827), (568, 1490, 3072)),
        "UW": ((378, 997, 2343), (459, 1105, 2735), (494, 1345, 2988)),
        "AH": ((623, 1200, 2550), (753, 1426, 2933), (749, 1546, 3145)),
        "ER": ((474, 1379, 1710), (523, 1588, 1929), (586, 1719, 2143)),
    }
)

# What the choir aims at: the older study, whose vowels lie further apart, and the newer one for the two it lacks.
VOWELS: Mapping[str, Array] = MappingProxyType(
    {name: np.array(PETERSON_BARNEY.get(name, HILLENBRAND[name]), dtype=np.float64) for name in HILLENBRAND}
)

# Diphthongs and their way: sung long on the first vowel, with the second as an off-glide.
GLIDES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"AY": ("AA", "IH"), "AW": ("AA", "UH"), "OY": ("AO", "IH"), "EY": ("EY", "IY"), "OW": ("OW", "UH")}
)

# A tract that is closed at the glottis and open at the lips has its third resonance at 5c/4L; the studies' mean third
# formant (without the retroflex ER) therefore says how long the tract of each group is. About 17, 15 and 13 cm.
GROUP_TRACTS: Array = (
    5 * SPEED_OF_SOUND / (4 * np.mean([f[:, 2] for name, f in VOWELS.items() if name != "ER"], axis=0))
)


@dataclass(frozen=True)
class Phase:
    """A stretch of a consonant: its length and the levels of its sources, in dB against a full vowel."""

    seconds: float
    voice: float = SILENT
    breath: float = SILENT
    hiss: float = SILENT
    wide: float = 1.0  # factor on the bandwidth of F1: an open glottis or a closure damps it


@dataclass(frozen=True)
class Consonant:
    """Klatt (1980), "Software for a cascade/parallel formant synthesizer", JASA 67, table III: formants of a man in Hz.

    `follow` is the share of the neighbouring vowel in F2 and F3, the slope of a locus equation (Sussman et al., 1991);
    `zero` the antiresonance of the side branch of a nasal; `noise` names the colour of the hiss.
    """

    formants: tuple[int, int, int]
    phases: tuple[Phase, ...] = field(default_factory=tuple)
    follow: float = 0.35
    noise: str = ""
    zero: float | None = None

    @property
    def seconds(self) -> float:
        """How long it lasts when nothing presses, s."""
        return sum(phase.seconds for phase in self.phases)


def _voiceless_stop(aspiration: float, burst: float) -> tuple[Phase, ...]:
    return (Phase(0.055), Phase(0.012, hiss=burst), Phase(aspiration, breath=-17, hiss=burst - 16, wide=3))


def _voiced_stop(burst: float) -> tuple[Phase, ...]:
    return (Phase(0.05, voice=-15, wide=2), Phase(0.01, voice=-9, hiss=burst))


# Colour of frication: centre and width of its hump in Hz for a man, and the level of the flat floor below it in dB.
NOISES: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {
        "s": (6300.0, 1900.0, -26.0),
        "sh": (3300.0, 1300.0, -30.0),
        "f": (7000.0, 6500.0, -9.0),
        "th": (6200.0, 4200.0, -14.0),
        "p": (900.0, 1500.0, -12.0),
        "t": (4300.0, 2000.0, -18.0),
        "k": (1950.0, 650.0, -20.0),
        "kb": (1250.0, 500.0, -20.0),  # before a back vowel
    }
)

CONSONANTS: Mapping[str, Consonant] = MappingProxyType(
    {
        "W": Consonant((290, 610, 2150), (Phase(0.07, voice=-5),), follow=0.1),
        "Y": Consonant((260, 2070, 3020), (Phase(0.06, voice=-4),), follow=0.1),
        "R": Consonant((310, 1060, 1380), (Phase(0.07, voice=-4),), follow=0.15),
        "L": Consonant((310, 1050, 2880), (Phase(0.07, voice=-5),), follow=0.25),
        "M": Consonant((300, 1270, 2130), (Phase(0.085, voice=-4, wide=1.6),), follow=0.6, zero=780),
        "N": Consonant((300, 1600, 2600), (Phase(0.075, voice=-4, wide=1.6),), follow=0.4, zero=1650),
        "NG": Consonant((300, 1990, 2850), (Phase(0.085, voice=-4, wide=1.6),), follow=0.6, zero=3000),
        "F": Consonant((340, 1100, 2080), (Phase(0.1, hiss=-22, wide=3),), follow=0.6, noise="f"),
        "V": Consonant((240, 1100, 2080), (Phase(0.07, voice=-9, hiss=-28),), follow=0.6, noise="f"),
        "TH": Consonant((320, 1290, 2540), (Phase(0.09, hiss=-24, wide=3),), noise="th"),
        "DH": Consonant((270, 1290, 2540), (Phase(0.05, voice=-8, hiss=-32),), noise="th"),
        "S": Consonant((320, 1390, 2530), (Phase(0.11, hiss=-13, wide=3),), noise="s"),
        "Z": Consonant((240, 1390, 2530), (Phase(0.08, voice=-12, hiss=-19),), noise="s"),
        "SH": Consonant((300, 1840, 2750), (Phase(0.11, hiss=-11, wide=3),), noise="sh"),
        "ZH": Consonant((260, 1840, 2750), (Phase(0.08, voice=-11, hiss=-18),), noise="sh"),
        "CH": Consonant((320, 1800, 2700), (Phase(0.05), Phase(0.07, hiss=-10, wide=3)), noise="sh"),
        "JH": Consonant((240, 1800, 2700), (Phase(0.045, voice=-15), Phase(0.045, voice=-12, hiss=-16)), noise="sh"),
        "HH": Consonant((500, 1500, 2500), (Phase(0.07, breath=-13, wide=3),), follow=0.95),
        "P": Consonant((400, 1100, 2150), _voiceless_stop(0.035, -16), follow=0.7, noise="p"),
        "B": Consonant((220, 1100, 2150), _voiced_stop(-20), follow=0.7, noise="p"),
        "T": Consonant((400, 1700, 2600), _voiceless_stop(0.04, -11), follow=0.4, noise="t"),
        "D": Consonant((220, 1700, 2600), _voiced_stop(-14), follow=0.4, noise="t"),
        "K": Consonant((300, 1990, 2850), _voiceless_stop(0.05, -12), follow=0.75, noise="k"),
        "G": Consonant((220, 1990, 2850), _voiced_stop(-15), follow=0.75, noise="k"),
    }
)


def is_vowel(sound: str) -> bool:
    """Whether a sound can carry a note."""
    return sound in VOWELS or sound in GLIDES


def spell(syllable: str) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """Takes a syllable apart: the consonants before its vowel, the vowel, the consonants after it.

    Raises:
        CorpusError: a sound that is not in the tables, or not exactly one vowel.
    """
    sounds = syllable.split(".")
    for sound in sounds:
        if not is_vowel(sound) and sound not in CONSONANTS:
            known = ", ".join(sorted({*VOWELS, *GLIDES, *CONSONANTS}))
            raise CorpusError(f"The syllable {syllable!r} holds {sound!r}, which is no sound; the choices are {known}.")
    nuclei = [place for place, sound in enumerate(sounds) if is_vowel(sound)]
    if len(nuclei) != 1:
        raise CorpusError(f"The syllable {syllable!r} has {len(nuclei)} vowels; give it exactly one.")
    return tuple(sounds[: nuclei[0]]), sounds[nuclei[0]], tuple(sounds[nuclei[0] + 1 :])
