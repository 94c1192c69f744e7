"""Settings for writing: what is taken, what contradicts itself, what stays."""

from __future__ import annotations

import pytest

from oreline.errors import UsageError
from oreline.generation import Generation, generation


def test_what_is_not_given_stays():
    base = generation({"num_beams": 3, "max_new_tokens": 9})
    assert generation({"num_answers": 2}, base) == Generation(num_beams=3, num_answers=2, max_new_tokens=9)
    assert generation(None, base) == base
    assert generation(Generation(length_penalty=2.0), base).num_beams == 3


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
    ],
)
def test_wrong_settings_are_refused_with_a_remedy(given, said: str):
    with pytest.raises(UsageError) as caught:
        generation(given)
    assert said in str(caught.value)
