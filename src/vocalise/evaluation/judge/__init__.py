"""Judges: listeners for who sings, taught apart, by genuine recordings only, so that a conversion cannot get in."""

from vocalise.evaluation.judge.contract import Judge
from vocalise.evaluation.judge.examining import examine
from vocalise.evaluation.judge.hearing import PIECE
from vocalise.evaluation.judge.training import KINDS, train_judges

__all__ = ["KINDS", "PIECE", "Judge", "examine", "train_judges"]
