"""Settings for writing: what is taken, what contradicts itself, what stays."""

from __future__ import annotations

import pytest

from oreline.errors import UsageError
from oreline.generation import Generation, generation


def test_what_is_not_given_stays():
    base = generation({"num_beams": 3, "max_new_tokens": 9})
    assert generation({"num_answers": 2}, base) == Generation(num_beams=3, num_answers=2, max_new_tokens=9)
    assert generation(None, base) == base
    assert generation(Generation(length_penalty=2.0, num_beams=3), base).num_beams == 3


def test_what_a_model_says_of_samples_or_beams_does_not_count_where_none_are_wanted():
    base = generation({"temperature": 0.8, "top_p": 0.9, "seed": 3})
    assert generation({"temperature": 0}, base) == Generation(temperature=0, seed=3)
    assert generation({"temperature": 0, "num_beams": 4}, base).num_beams == 4
    assert generation({"temperature": 0.5}, base).top_p == 0.9
    beams = generation({"num_beams": 4, "length_penalty": 2.0})
    assert generation({"num_beams": 1}, beams) == Generation(num_beams=1)
    assert generation({"num_beams": 1, "temperature": 0.7}, beams).samples
    with pytest.raises(UsageError, match="the temperature is 0"):
        generation({"temperature": 0, "top_p": 0.5}, base)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"nbeams": 3}, "did you mean 'num_beams'"),
        ({"num_beams": 0}, "num_beams is 0"),
        ({"num_beams": "many"}, "num_beams is 'many'"),
        ({"top_p": 1.5, "temperature": 1}, "top_p is 1.5"),
        ({"num_beams": 2, "temperature": 1}, "set temperature=0 for beams"),
        ({"num_answers": 2}, "set num_beams=2"),
        ({"top_k": 5}, "the temperature is 0"),
        ({"temperature": float("inf")}, "temperature is inf"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"repetition_penalty": float("inf")}, "repetition_penalty is inf"),
        ({"num_beams": 2, "length_penalty": float("-inf")}, "length_penalty is -inf"),
        ({"length_penalty": 2.0}, "set num_beams=4"),
        ({"length_penalty": 2.0, "temperature": 1}, "length_penalty is about beams"),
        ({"num_beams": 100_000}, "less than or equal to 256"),
        ({"num_answers": 100_000, "temperature": 1}, "less than or equal to 256"),
    ],
)
def test_wrong_settings_are_refused_with_a_remedy(given, said: str):
    with pytest.raises(UsageError) as caught:
        generation(given)
    assert said in str(caught.value)
