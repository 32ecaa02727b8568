"""Numbers in German and in English words: something to translate that needs no download."""

from __future__ import annotations

GERMAN = [
    "null", "ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf",
    "zwölf", "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn",
]  # fmt: skip
GERMAN_TENS = [
    "", "", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig",
]  # fmt: skip
ENGLISH = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
ENGLISH_TENS = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
]  # fmt: skip


def number_words(n: int) -> tuple[str, str]:
    """A number below a million in both languages: ``("einundzwanzig", "twenty-one")``."""
    return _german(n) + ("s" if n % 100 == 1 else ""), _english(n)


def _german(n: int) -> str:
    for unit, name in ((1000, "tausend"), (100, "hundert")):
        if n >= unit:
            return _german(n // unit) + name + (_german(n % unit) if n % unit else "")
    if n < 20:
        return GERMAN[n]
    return (f"{GERMAN[n % 10]}und" if n % 10 else "") + GERMAN_TENS[n // 10]  # the one goes first


def _english(n: int) -> str:
    for unit, name in ((1000, "thousand"), (100, "hundred")):
        if n >= unit:
            return f"{_english(n // unit)} {name} {_english(n % unit) if n % unit else ''}".strip()
    if n < 20:
        return ENGLISH[n]
    return ENGLISH_TENS[n // 10] + (f"-{ENGLISH[n % 10]}" if n % 10 else "")
