"""Every exercise of lesson 01 against a right answer, wrong ones that students give, and a blank."""

import keras
import numpy as np
import pytest
from scipy import special, stats

from gan_lessons import checks
from gan_lessons.checks import minimax_game

NORMAL = stats.norm.pdf
SETTLES = {
    "minimax": False,
    "non_saturating": False,
    "wasserstein": False,
    "wasserstein_clipped": False,
    "wasserstein_gp": False,
    "non_saturating_r1": True,
}


def softplus(t):
    return np.logaddexp(0, t)


RIGHT = {
    "value_at_equilibrium": [(-np.log(4),), (2 * np.log(0.5),), (-1.386,), (np.float32(-1.3863),)],
    "optimal_discriminator": [
        (lambda x: NORMAL(x) / (NORMAL(x) + NORMAL(x, 2)),),
        (lambda x: special.expit(2 - 2 * x),),
        (lambda x: keras.ops.sigmoid(2 - 2 * x),),
    ],
    "gradient_ratio": [(np.exp(6),), (403,), (special.expit(6) / special.expit(-6),)],
    "non_saturating_loss": [
        (lambda t: np.mean(np.logaddexp(0, -t)),),
        (lambda t: keras.ops.mean(keras.ops.softplus(-t)),),
        (lambda t: -np.mean(-np.logaddexp(0, -t)),),
    ],
    "far_apart": [(np.log(2), 5), (0.693, 5.0)],
    "which_settle": [(SETTLES,)],
}

WRONG = [
    ("value_at_equilibrium", (np.log(4),), "the sign is not"),
    ("value_at_equilibrium", (-2,), "bits"),
    ("value_at_equilibrium", (np.log(0.5),), "one of the two expectations"),
    ("value_at_equilibrium", (0.5,), "½ is D's answer"),
    ("value_at_equilibrium", (2 * np.log10(0.5),), "base 10"),
    ("value_at_equilibrium", (3.0,), "cannot be above 0"),
    ("value_at_equilibrium", (-5.0,), "both terms"),
    ("value_at_equilibrium", ("minus log four",), "ValueError"),
    (
        "optimal_discriminator",
        (lambda x: NORMAL(x, 2) / (NORMAL(x) + NORMAL(x, 2)),),
        "right about the fakes",
    ),
    ("optimal_discriminator", (lambda x: NORMAL(x) / NORMAL(x, 2),), "odds"),
    ("optimal_discriminator", (lambda x: 2 - 2 * x,), "logit"),
    ("optimal_discriminator", (lambda x: NORMAL(x),), "p_r alone"),
    ("optimal_discriminator", (lambda x: NORMAL(x) - NORMAL(x, 2),), "between 0 and 1"),
    ("optimal_discriminator", (lambda x: 0.5 + 0 * x,), "where both densities are equal"),
    ("optimal_discriminator", (lambda x: 0.3,), "one answer for each point"),
    ("optimal_discriminator", (lambda x: np.nan * x,), "not finite"),
    ("optimal_discriminator", (lambda x: NORMAL(x) / (NORMAL(x) + NORMAL(x, 3)),), "furthest off at x ="),
    ("optimal_discriminator", (lambda: 0,), "TypeError"),
    ("gradient_ratio", (np.exp(-6),), "the inverse of what is asked"),
    ("gradient_ratio", (6,), "6 is the logit"),
    ("gradient_ratio", (-np.exp(6),), "same sign"),
    ("gradient_ratio", (special.expit(6),), "one of the two slopes"),
    ("gradient_ratio", (special.expit(-6),), "the minimax slope itself"),
    ("gradient_ratio", (100,), "Divide the larger"),
    ("non_saturating_loss", (lambda t: -np.mean(np.log(special.expit(t))),), "not finite"),
    ("non_saturating_loss", (lambda t: np.mean(np.log(1 + np.exp(-t))),), "not finite"),
    ("non_saturating_loss", (lambda t: -np.mean(np.log(special.expit(t) + 1e-7)),), "flat where D is sure"),
    (
        "non_saturating_loss",
        (lambda t: -np.mean(np.log(np.clip(special.expit(t), 1e-7, 1))),),
        "flat where D is sure",
    ),
    ("non_saturating_loss", (lambda t: np.mean(-softplus(-t)),), "sign is turned round"),
    ("non_saturating_loss", (lambda t: -np.mean(softplus(t)),), "the saturating loss"),
    ("non_saturating_loss", (lambda t: np.mean(softplus(t)),), "D's own loss on the fakes"),
    ("non_saturating_loss", (lambda t: softplus(-t),), "one number"),
    ("non_saturating_loss", (lambda t: np.sum(softplus(-t)),), "the sum over the batch"),
    ("non_saturating_loss", (lambda t: -np.mean(t),), "log 2"),
    ("far_apart", (1.0, 5), "nats"),
    ("far_apart", (np.inf, 5), "infinite"),
    ("far_apart", (0, 5), "do not even overlap"),
    ("far_apart", (2 * np.log(2), 5), "half"),
    ("far_apart", (0.3, 5), "same number everywhere"),
    ("far_apart", (np.log(2), 4), "gap"),
    ("far_apart", (np.log(2), 6), "each point travel"),
    ("far_apart", (np.log(2), 1), "How far"),
    ("which_settle", (SETTLES | {"wasserstein_gp": True},), "wasserstein_gp: the penalty pulls"),
    ("which_settle", (SETTLES | {"non_saturating": True},), "leans inwards"),
    ("which_settle", (SETTLES | {"wasserstein_clipped": True},), "the clip stops the circle"),
    ("which_settle", (SETTLES | {"minimax": True},), "spiral outwards"),
    ("which_settle", (SETTLES | {"wasserstein": True},), "wider"),
    ("which_settle", (SETTLES | {"non_saturating_r1": False},), "friction"),
    ("which_settle", (SETTLES | {"minimax": ...},), "still open: minimax"),
    ("which_settle", ([False] * 6,), "keep the dictionary"),
]

BLANK = {
    "value_at_equilibrium": (...,),
    "optimal_discriminator": (lambda x: ...,),
    "gradient_ratio": (...,),
    "non_saturating_loss": (lambda fake_logits: ...,),
    "far_apart": (np.log(2), ...),
    "which_settle": (dict.fromkeys(SETTLES, ...),),
}


@pytest.mark.parametrize("name, answer", [(name, answer) for name in RIGHT for answer in RIGHT[name]])
def test_a_right_answer_is_right(name, answer):
    outcome = getattr(minimax_game, name)(*answer)
    assert outcome.status == "right", outcome.message


@pytest.mark.parametrize("name, answer, hint", WRONG)
def test_a_wrong_answer_gets_a_hint_about_its_mistake(name, answer, hint):
    outcome = getattr(minimax_game, name)(*answer)
    assert outcome.status == "wrong"
    assert hint in outcome.message, outcome.message


@pytest.mark.parametrize("name", BLANK)
def test_a_blank_says_so(name):
    assert getattr(minimax_game, name)(*BLANK[name]).status == "blank"


def test_every_exercise_is_tested_in_the_lessons_order():
    exercises = checks.exercises("minimax_game")
    assert list(exercises) == list(RIGHT) == list(BLANK)
    for name in exercises:
        assert sum(case[0] == name for case in WRONG) >= 2
