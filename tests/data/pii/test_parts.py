"""English names behind what somebody is or has done."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from oreline.data.pii.kinds import kinds_of
from oreline.data.pii.parts import names_by_part
from oreline.data.pii.scan import find

TEXTS = [
    "Booked by ⟦Saoirse Nolan⟧ for four people",
    "Prepared by: ⟦Monica Estrada⟧\nApproved by: ⟦Alan Furst⟧",
    "My husband ⟦Ian Whitcombe⟧ has the same problem",
    "our account manager is ⟦Stephan Grohl⟧, write to",
    "I spoke to an agent called ⟦Tamsin Reeve⟧ who",
    "Student ⟦Wren Callahan⟧ was absent on Tuesday.",
    "Emergency contact ⟦Brandon Tully⟧ (husband)",
    "Passenger name ⟦Ravi Subramaniam⟧, passport",
    "The room is booked in the name of ⟦Hana Kovalenko⟧",
    "She identified herself as ⟦Rhonda Pike⟧.",
    "c/o ⟦Walter Simms⟧, 19 Abbey Lane",
    "Bill to:\n⟦Oluwaseun Badmus⟧\n77 Massachusetts Ave",
    "Assigned to: ⟦Vikram Anand⟧",
    "hey it's ⟦Marta Silvestri⟧ from the gym",
    "This agreement is between ⟦Joan Pettibone⟧ and a firm.",
    "this is ⟦Latoya Greene⟧ with billing",
    "On Monday ⟦Carl Osterman⟧ <carl@example.com> wrote:",
]
NOT = [
    "costumes designed by Tony Walton", "written by Stephen King and played by Tom Hanks", "Driver: updated to Version Two",
    "Reported by several users", "Ship to: Halden Trading", "My friend Bob", "Guest: TBD", "Signed by The Support Team",
    "a man called Hannibal Lecter", "This is Great News for everyone", "between New York and Boston",
]  # fmt: skip


@pytest.mark.parametrize("text", [*TEXTS, *NOT])
def test_names_behind_parts(finds: Callable[..., bool], text: str) -> None:
    assert finds(names_by_part, text)


@pytest.mark.parametrize("text", TEXTS)
def test_the_hints_let_them_through(text: str) -> None:
    plain = text.replace("⟦", "").replace("⟧", "")
    found = find(pl.Series([plain]), kinds_of(["name"])).get(0, [])
    assert len(found) == text.count("⟦"), found
