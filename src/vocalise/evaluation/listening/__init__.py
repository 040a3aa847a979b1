"""Blind listening tests: from conversions to a page of questions, and from answers to means with intervals.

material ──design──▶ test (sounds under ids) + key        answers + key ──screening──▶ results
"""

from vocalise.evaluation.listening.answers import Answer, Sheet, read_sheet, read_sheets
from vocalise.evaluation.listening.crossed import Mean, crossed_mean
from vocalise.evaluation.listening.design import Listening, Setting, design, obstacles
from vocalise.evaluation.listening.key import KINDS, QUESTIONS, Key, Question, key_path, read_key, write_key
from vocalise.evaluation.listening.material import Material, gather
from vocalise.evaluation.listening.results import Results, evaluate_answers

__all__ = [
    "KINDS",
    "QUESTIONS",
    "Answer",
    "Key",
    "Listening",
    "Material",
    "Mean",
    "Question",
    "Results",
    "Setting",
    "Sheet",
    "crossed_mean",
    "design",
    "evaluate_answers",
    "gather",
    "key_path",
    "obstacles",
    "read_key",
    "read_sheet",
    "read_sheets",
    "write_key",
]
