"""The language that is likely spoken where a phone number is from, by its country code (ITU-T E.164)."""

from __future__ import annotations

_ENGLISH = "1 27 44 61 64 65 91 353"
_PORTUGUESE = "55 238 239 244 245 258 351"
_SPANISH = (
    "34 51 52 53 54 56 57 58 240 502 503 504 505 506 507 591 593 595 598"
    " 1787 1809 1829 1849 1939"  # Puerto Rico and the Dominican Republic, of the North American numbers.
)
_LANGUAGES = {
    code: language
    for language, codes in (("en", _ENGLISH), ("pt", _PORTUGUESE), ("es", _SPANISH))
    for code in codes.split()
}
_LONGEST = max(map(len, _LANGUAGES))


def language_of_number(digits: str) -> str | None:
    """The language of a number in international form without its plus; None where it is none of ours."""
    starts = (digits[:length] for length in range(min(_LONGEST, len(digits)), 0, -1))
    return next((_LANGUAGES[start] for start in starts if start in _LANGUAGES), None)
