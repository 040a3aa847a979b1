"""Tunes that belong to everybody, with their syllables: their authors died before 1930, or nobody knows them.

A phrase is three lines: notes as `pitch:beats` (one beat where nothing is said), the syllables as one reads them, and
the same in ARPAbet (the French is approximated by the nearest English sounds). `_` carries the vowel on to the next
note. A tune without words, or sung again, gets syllables drawn by chance.
"""

from dataclasses import dataclass

Phrase = tuple[str, str, str]


@dataclass(frozen=True)
class Tune:
    """A melody, its origin (why it is in the public domain) and its phrases."""

    slug: str
    title: str
    origin: str
    tempo: float  # beats per minute
    phrases: tuple[Phrase, ...]


TUNES: tuple[Tune, ...] = (
    Tune(
        "twinkle",
        "Ah ! vous dirai-je, maman",
        "French traditional, printed 1761; words of 'The Star' by Jane Taylor (1806).",
        96,
        (
            (
                "C4 C4 G4 G4 A4 A4 G4:2",
                "twin kle twin kle lit tle star",
                "T.W.IH.NG K.AH.L T.W.IH.NG K.AH.L L.IH T.AH.L S.T.AA.R",
            ),
            (
                "F4 F4 E4 E4 D4 D4 C4:2",
                "how I won der what you are",
                "HH.AW AY W.AH.N D.ER W.AH.T Y.UW AA.R",
            ),
            (
                "G4 G4 F4 F4 E4 E4 D4:2",
                "up a bove the world so high",
                "AH.P AH B.AH.V DH.AH W.ER.L.D S.OW HH.AY",
            ),
            (
                "G4 G4 F4 F4 E4 E4 D4:2",
                "like a dia mond in the sky",
                "L.AY.K AH D.AY M.AH.N.D IH.N DH.AH S.K.AY",
            ),
        ),
    ),
    Tune(
        "frere-jacques",
        "Frère Jacques",
        "French traditional round, in manuscript about 1780.",
        108,
        (
            (
                "C4 D4 E4 C4 C4 D4 E4 C4",
                "frè re jac ques frè re jac ques",
                "F.R.EH R.AH ZH.AA K.AH F.R.EH R.AH ZH.AA K.AH",
            ),
            (
                "E4 F4 G4:2 E4 F4 G4:2",
                "dor mez vous dor mez vous",
                "D.AO.R M.EY V.UW D.AO.R M.EY V.UW",
            ),
            (
                "G4:.5 A4:.5 G4:.5 F4:.5 E4 C4 G4:.5 A4:.5 G4:.5 F4:.5 E4 C4",
                "son nez les ma ti nes son nez les ma ti nes",
                "S.AO N.EY L.EY M.AA T.IY N.AH S.AO N.EY L.EY M.AA T.IY N.AH",
            ),
            (
                "C4 G3 C4:2 C4 G3 C4:2",
                "ding dang dong ding dang dong",
                "D.IH.NG D.AA.NG D.AO.NG D.IH.NG D.AA.NG D.AO.NG",
            ),
        ),
    ),
    Tune(
        "ode-to-joy",
        "Ode to Joy",
        "Ludwig van Beethoven (d. 1827), Symphony no. 9, 1824; sung on Guido of Arezzo's syllables (11th century).",
        104,
        (
            (
                "E4 E4 F4 G4 G4 F4 E4 D4 C4 C4 D4 E4 E4:1.5 D4:.5 D4:2",
                "mi mi fa sol sol fa mi re do do re mi mi re re",
                "M.IY M.IY F.AA S.OW.L S.OW.L F.AA M.IY R.EY D.OW D.OW R.EY M.IY M.IY R.EY R.EY",
            ),
            (
                "E4 E4 F4 G4 G4 F4 E4 D4 C4 C4 D4 E4 D4:1.5 C4:.5 C4:2",
                "mi mi fa sol sol fa mi re do do re mi re do do",
                "M.IY M.IY F.AA S.OW.L S.OW.L F.AA M.IY R.EY D.OW D.OW R.EY M.IY R.EY D.OW D.OW",
            ),
            (
                "D4 D4 E4 C4 D4 E4:.5 F4:.5 E4 C4 D4 E4:.5 F4:.5 E4 D4 C4 D4 G3:2",
                "re re mi do re mi _ mi do re mi _ mi re do re sol",
                "R.EY R.EY M.IY D.OW R.EY M.IY _ M.IY D.OW R.EY M.IY _ M.IY R.EY D.OW R.EY S.OW.L",
            ),
        ),
    ),
    Tune(
        "amazing-grace",
        "Amazing Grace",
        "'New Britain', American traditional, printed 1829; words by John Newton (1779).",
        84,
        (
            (
                "D4 G4:2 B4:.5 G4:.5 B4:2 A4 G4:2 E4 D4:2",
                "a ma zing _ grace how sweet the sound",
                "AH M.EY Z.IH.NG _ G.R.EY.S HH.AW S.W.IY.T DH.AH S.AW.N.D",
            ),
            (
                "D4 G4:2 B4:.5 G4:.5 B4:2 A4 D5:3",
                "that saved a _ wretch like me",
                "DH.AE.T S.EY.V.D AH _ R.EH.CH L.AY.K M.IY",
            ),
            (
                "B4 D5:2 B4:.5 G4:.5 B4:2 A4 G4:2 E4 D4:2",
                "I once was _ lost but now am found",
                "AY W.AH.N.S W.AA.Z _ L.AO.S.T B.AH.T N.AW AE.M F.AW.N.D",
            ),
            (
                "D4 G4:2 B4:.5 G4:.5 B4:2 A4 G4:3",
                "was blind but _ now I see",
                "W.AA.Z B.L.AY.N.D B.AH.T _ N.AW AY S.IY",
            ),
        ),
    ),
    Tune(
        "greensleeves",
        "Greensleeves",
        "English traditional, registered 1580; sung without words.",
        72,
        (
            ("A4:.5 C5 D5:.5 E5:.75 F5:.25 E5:.5 D5 B4:.5 G4:.75 A4:.25 B4:.5", "", ""),
            ("C5 A4:.5 A4:.75 G#4:.25 A4:.5 B4 G#4:.5 E4:1.5", "", ""),
            ("A4:.5 C5 D5:.5 E5:.75 F5:.25 E5:.5 D5 B4:.5 G4:.75 A4:.25 B4:.5", "", ""),
            ("C5:.75 B4:.25 A4:.5 G#4:.75 F#4:.25 G#4:.5 A4:1.5 A4:1.5", "", ""),
        ),
    ),
    Tune(
        "au-clair",
        "Au clair de la lune",
        "French traditional, 18th century.",
        100,
        (
            (
                "C4 C4 C4 D4 E4:2 D4:2 C4 E4 D4 D4 C4:3",
                "au clair de la lu ne mon a mi pier rot",
                "OW K.L.EH.R D.AH L.AA L.UW N.AH M.AO.N AA M.IY P.Y.EH R.OW",
            ),
            (
                "C4 C4 C4 D4 E4:2 D4:2 C4 E4 D4 D4 C4:3",
                "prê te moi ta plu me pour é crire un mot",
                "P.R.EH T.AH M.W.AA T.AA P.L.UW M.AH P.UW.R EY K.R.IY R.AH.N M.OW",
            ),
            (
                "D4 D4 D4 D4 A3:2 A3:2 D4 C4 B3 A3 G3:3",
                "ma chan delle est mor te je n'ai plus de feu",
                "M.AA SH.AA.N D.EH L.EH M.AO.R T.AH ZH.AH N.EY P.L.UW D.AH F.UH",
            ),
            (
                "C4 C4 C4 D4 E4:2 D4:2 C4 E4 D4 D4 C4:3",
                "ou vre moi ta por te pour l'a mour de dieu",
                "UW V.R.AH M.W.AA T.AA P.AO.R T.AH P.UW.R L.AA M.UW.R D.AH D.Y.UH",
            ),
        ),
    ),
    Tune(
        "auld-lang-syne",
        "Auld Lang Syne",
        "Scottish traditional; words by Robert Burns (1788).",
        92,
        (
            (
                "C4 F4:1.5 F4:.5 F4 A4 G4:1.5 F4:.5 G4",
                "should auld ac quain tance be for got",
                "SH.UH.D AO.L.D AH K.W.EY.N T.AH.N.S B.IY F.AO.R G.AA.T",
            ),
            (
                "A4 F4:1.5 F4:.5 A4 C5 D5:3",
                "and nev er brought to mind",
                "AE.N.D N.EH.V ER B.R.AO.T T.UW M.AY.N.D",
            ),
            (
                "D5 C5:1.5 A4:.5 A4 F4 G4:1.5 F4:.5 G4",
                "should auld ac quain tance be for got",
                "SH.UH.D AO.L.D AH K.W.EY.N T.AH.N.S B.IY F.AO.R G.AA.T",
            ),
            (
                "A4 F4:1.5 D4:.5 D4 C4 F4:3",
                "and days of auld lang syne",
                "AE.N.D D.EY.Z AH.V AO.L.D L.AE.NG Z.AY.N",
            ),
        ),
    ),
    Tune(
        "drunken-sailor",
        "Drunken Sailor",
        "Sea shanty, traditional, printed 1824 to 1839.",
        112,
        (
            (
                "A4 A4:.5 A4:.5 A4 A4:.5 A4:.5 A4 D4 F4 A4",
                "what shall we do with the drun ken sai lor",
                "W.AH.T SH.AE.L W.IY D.UW W.IH.TH DH.AH D.R.AH.NG K.AH.N S.EY L.ER",
            ),
            (
                "G4 G4:.5 G4:.5 G4 G4:.5 G4:.5 G4 C4 E4 G4",
                "what shall we do with the drun ken sai lor",
                "W.AH.T SH.AE.L W.IY D.UW W.IH.TH DH.AH D.R.AH.NG K.AH.N S.EY L.ER",
            ),
            (
                "A4 A4:.5 A4:.5 A4 A4:.5 A4:.5 A4 B4 C5 D5",
                "what shall we do with the drun ken sai lor",
                "W.AH.T SH.AE.L W.IY D.UW W.IH.TH DH.AH D.R.AH.NG K.AH.N S.EY L.ER",
            ),
            ("C5 A4 G4 E4 D4:2 D4:2", "ear ly in the mor ning", "ER L.IY IH.N DH.AH M.AO.R N.IH.NG"),
        ),
    ),
    Tune(
        "row-your-boat",
        "Row, Row, Row Your Boat",
        "American, words printed 1852; tune by Eliphalet Oram Lyte (d. 1913), 1881.",
        80,
        (
            ("C4 C4 C4:.67 D4:.33 E4", "row row row your boat", "R.OW R.OW R.OW Y.AO.R B.OW.T"),
            ("E4:.67 D4:.33 E4:.67 F4:.33 G4:2", "gent ly down the stream", "JH.EH.N.T L.IY D.AW.N DH.AH S.T.R.IY.M"),
            (
                "C5:.4 C5:.3 C5:.3 G4:.4 G4:.3 G4:.3 E4:.4 E4:.3 E4:.3 C4:.4 C4:.3 C4:.3",
                "mer ri ly mer ri ly mer ri ly mer ri ly",
                "M.EH R.IY L.IY M.EH R.IY L.IY M.EH R.IY L.IY M.EH R.IY L.IY",
            ),
            ("G4:.67 F4:.33 E4:.67 D4:.33 C4:2", "life is but a dream", "L.AY.F IH.Z B.AH.T AH D.R.IY.M"),
        ),
    ),
    Tune(
        "yankee-doodle",
        "Yankee Doodle",
        "Anglo-American traditional, about 1755.",
        112,
        (
            (
                "C4 C4 D4 E4 C4 E4 D4 G3",
                "yan kee doo dle went to town a",
                "Y.AE.NG K.IY D.UW D.AH.L W.EH.N.T T.UW T.AW.N AH",
            ),
            ("C4 C4 D4 E4 C4:2 B3:2", "rid ing on a po ny", "R.AY D.IH.NG AA.N AH P.OW N.IY"),
            (
                "C4 C4 D4 E4 F4 E4 D4 C4",
                "stuck a feath er in his cap and",
                "S.T.AH.K AH F.EH DH.ER IH.N HH.IH.Z K.AE.P AE.N.D",
            ),
            ("B3 G3 A3 B3 C4:2 C4:2", "called it mac a ro ni", "K.AO.L.D IH.T M.AE.K AH R.OW N.IY"),
        ),
    ),
)
