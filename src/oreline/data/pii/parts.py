"""English names behind what somebody is or has done in a text: `booked by`, `Student`, `my husband`, `on behalf of`.

A name has two words with capitals at least, and is none of a firm or of a title.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from oreline.data.pii.spans import Places

LETTER = "A-Za-z\u00c0-\u024f"
WORD = rf"[A-Z\u00c0-\u00de](?=[a-z\u00df-\u024f'’])(?:(?:['’](?!(?:s|m|d|ll|ve|re)(?![a-z]))|-)?[{LETTER}]){{1,30}}+"
PARTICLE = "(?:[Vv][ao]n|[Dd]e|[Dd]el|[Dd]er|[Dd]a|[Dd]i|bin|[Aa]l|[Ee]l|la|le)"
_TITLE = r"(?:(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof)\.? )?"
_TWO = rf"{_TITLE}({WORD}(?: [A-Z]\.)?(?: (?:St\. {WORD}|(?:{PARTICLE} ){{0,2}}{WORD})){{1,2}})"
_DONE = (
    "[Bb]ooked|[Rr]eported|[Pp]repared|[Aa]pproved|[Ss]igned(?: for)?|[Ss]ubmitted|[Rr]eviewed|[Rr]equested|[Oo]rdered"
    "|[Ii]nspected|[Cc]hecked|[Vv]erified|[Rr]eferred|[Cc]ountersigned"
)
_HAVING_DONE = re.compile(rf"(?<![A-Za-z])(?:{_DONE})$")
_KIN = (
    "husband|wife|son|daughter|brother|sister|mother|father|mum|mom|dad|aunt|uncle|cousin|nephew|niece|grandson"
    "|granddaughter|partner|fianc[ée]e?|neighbou?r|colleague|boss|flatmate|roommate|landlord|landlady"
)
_STAFF = (
    "agent|rep|representative|case manager|account manager|manager|driver|courier|technician|receptionist|nurse|tutor"
    "|adviser|advisor|contact|engineer|plumber|surveyor|midwife|therapist|dentist"
)
_PARTS = (
    "Passenger|Student|Employee|Patient|Tenant|Cardholder|Account holder|Card holder|Policy holder|Policyholder"
    "|Beneficiary"
    "|Applicant|Claimant|Insured|Emergency contact|Guest|Driver|Customer|Client|Member|Landlord|Witness|Recipient|Payee"
)
_STOP = (
    r"(?=[,.;:!?()<|/\n]|\s{0,3}$| [-–—] | [+(0-9]"
    r"| (?:was|is|has|at|on|from|for|and|who|with|will|said|called|to|in|signed|did)(?![A-Za-z]))"
)
_TO = "(?:[Bb]ill|[Ss]hip|[Ss]old|[Dd]eliver|[Aa]ssigned|[Ss]end)(?:ed)? to"
_LABELS = f"{_TO}|(?:{_DONE}|[Rr]eceived|[Hh]andled|[Ww]itnessed) by|[Gg]uest|[Ii]nsured|[Cc]laimant|[Hh]older"
_BY = re.compile(rf" by {_TWO}")
_LABELLED = re.compile(rf":\s{{1,3}}{_TWO}(?=,|\n|\s{{0,3}}$)")
_LABEL = re.compile(rf"(?<![A-Za-z])(?:{_LABELS})$")
_LONGEST = 20
_WORDED = (
    (re.compile(rf"(?:[Mm]y|[Oo]ur) (?:{_KIN}),? {_TWO}"), ["y ", "ur "]),
    (
        re.compile(rf"(?:[Mm]y|[Oo]ur|[Yy]our|[Aa]n?|[Tt]he) (?:{_STAFF})(?: is| was| called| named),? {_TWO}"),
        [f"{staff} " for staff in _STAFF.split("|")],
    ),
    (
        re.compile(
            r"(?:in the name of|identified (?:him|her|them)sel(?:f|ves) as|[Oo]n behalf of|RSVP to|FAO|c/o|[Cc][Cc]:?"
            rf"|[Ff]ull name|[,;] name|(?:agreement|contract|lease) (?:is )?(?:made )?between) {_TWO}"
        ),
        [
            "the name of",
            "sel",
            "behalf of",
            "RSVP",
            "FAO",
            "c/o",
            "cc",
            "CC",
            "Cc",
            "ull name",
            ", name",
            "; name",
            "between",
        ],
    ),
    (
        re.compile(rf"(?:[Hh]ey|[Hh]i|[Hh]ello)[,!.]? (?:it's|it is|this is|I'm) {_TWO}{_STOP}"),
        [f"{greeting}{mark} " for greeting in ("ey", "i", "ello") for mark in ("", ",", "!", ".")],
    ),
    (
        re.compile(rf"(?<![0-9A-Za-z])(?:{_PARTS})(?:'s)?(?: [Nn]ame)?:? {_TWO}{_STOP}"),
        _PARTS.split("|"),
    ),
    (re.compile(rf"(?:^|\n)[Tt]his is {_TWO}(?= (?:from|with|at|calling|here|speaking|in)(?![A-Za-z]))"), ["his is "]),
    (re.compile(rf"(?:^|\n)On [^<\n]{{2,40}}?[ ,]{_TWO} <(?=[^<>\s@]{{1,64}}@)"), ["@"]),
)
"""And words of which a text has one where the pattern can match: a look for a word is a tenth of the work."""
_NOT_PEOPLE = re.compile(
    r"(?:^| )(?:Bank|Inc|Ltd|Llc|Limited|Corp|Corporation|Company|Group|Trading|Logistics|Services?|Hospital|University"
    r"|School|College|Store|Shop|Foods?|Union|Press|Studios?|Partners|Holdings|Solutions|Systems|Team|Support|Department"
    r"|Office|Clinic|Hotel|Center|Centre|Club|Airlines?|Motors|Media|News|Times|The|A|An|Not|So|Very|All|New|Great|Good"
    r"|Best|Bad|Your|My|Our|No|York|England|America|China|India|Angeles|Pictures|Movie|Film|Show|Street|Road|Avenue"
    r"|Police|Court|Council|Agency|Committee|Association|Society|Church|Airport|Station)(?: |$)"
)
_NEXT = "[A-Z\u00c0-\u00de]"
HINT = (
    f"(?:{_DONE}) by:? {_NEXT}|(?:[Mm]y|[Oo]ur) (?:{_KIN}),? {_NEXT}|(?:{_STAFF})(?: is| was| called| named),? {_NEXT}"
    f"|(?:{_PARTS})(?:'s)?(?: [Nn]ame)?:? {_NEXT}|(?:{_LABELS}):\\s"
    f"|(?:the name of|sel(?:f|ves) as|n behalf of|RSVP to|FAO|c/o|[Cc][Cc]:?|ull name|[,;] name) {_NEXT}"
    f"|(?:agreement|contract|lease) (?:is |made )*between {_NEXT}"
    f"|(?:[Hh]ey|[Hh]i|[Hh]ello)[,!.]? (?:it's|it is|this is|I'm) {_NEXT}|(?:^|\n)[Tt]his is {_NEXT}"
)
"""A pattern of Rust's: texts without it have nothing for this module."""


def names_by_part(text: str) -> Places:
    """Yield names of people that a text knows by their part in it."""
    for match in _matches(text):
        if not _NOT_PEOPLE.search(match[1]):
            yield match.span(1)


def _matches(text: str) -> Iterator[re.Match[str]]:
    for pattern, before in ((_BY, _HAVING_DONE), (_LABELLED, _LABEL)):  # begin with fixed text, so that they are fast
        for match in pattern.finditer(text):
            if before.search(text, max(0, match.start() - _LONGEST), match.start()):
                yield match
    for pattern, words in _WORDED:
        if any(word in text for word in words):
            yield from pattern.finditer(text)
