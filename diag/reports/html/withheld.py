"""Which source files are not shown: those that look as if they hold secrets.

A report is made to be passed on. A file is withheld as a whole, because what surrounds a secret tells of it
too. It is taken for one that holds secrets if its name is one that such files have, if it holds a private
key or a token of a known form, or if it assigns a literal that looks random to a name that says so.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath
from typing import TypeVar

from diag.finding import Location
from diag.reports.text import map_values

_Told = TypeVar("_Told")

_NAMES = re.compile(
    r"(?:\.env(?:\..*)?|.*\.(?:pem|key|p12|pfx|jks|keystore|kdbx)|id_(?:rsa|dsa|ecdsa|ed25519)"
    r"|\.(?:netrc|pgpass|npmrc|pypirc|htpasswd)|(?:local_)?(?:credentials?|secrets?)(?:\..*)?)",
    re.IGNORECASE,
)
_KNOWN = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"  # AWS access key
    r"|\bgh[pousr]_[A-Za-z0-9]{36}"  # GitHub
    r"|\bglpat-[\w-]{20}"  # GitLab
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"  # Slack
    r"|\b[sr]k_live_[A-Za-z0-9]{16,}"  # Stripe
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\."  # JSON Web Token
)
_ASSIGNED = re.compile(
    r"""(?ix) \b \w* (?: passw(?:or)?d | passphrase | token | secret | credential | api_?key | access_?key
        | private_?key | auth_?key | signing_?key ) \w* ["']? \s* (?: : \s* \w+ \s* = | [:=] ) \s*
        [rbuf]{0,2} ["'] ( [^"'\s]{8,512} ) ["']"""
)
LEAST_LENGTH = 12
LEAST_BITS = 3.0
"""Of entropy a character: words of a language stay below, random letters and digits of this length above."""

_LONGEST_SEARCHED = 2_000_000
_PRIVATE_HEADERS = re.compile(
    r"(?i)^\s*((?:--header=)?[\w-]*(?:auth|cookie|token|secret|key|password)[\w-]*)\s*:"
)
_PRIVATE_FIELDS = re.compile(r'(?i)("[\w-]*(?:passw(?:or)?d|token|secret|api_?key)[\w-]*"\s*:\s*)"[^"]*"')
_PRIVATE_NAMES = re.compile(r"(?i)^(-{0,2}[\w-]*(?:passw(?:or)?d|token|secret|api_?key)[\w-]*)=")


def holds_secrets(path: str, text: str) -> bool:
    """True if a file looks as if it held a secret, by its name or its text."""
    if _NAMES.fullmatch(PurePath(path).name):
        return True
    searched = text[:_LONGEST_SEARCHED]
    if _KNOWN.search(searched):
        return True
    return any(_random(found.group(1)) for found in _ASSIGNED.finditer(searched))


def _random(literal: str) -> bool:
    if len(literal) < LEAST_LENGTH or literal.startswith(("http://", "https://", "/", "${", "{{", "<")):
        return False
    counts = Counter(literal).values()
    bits = -sum(n / len(literal) * math.log2(n / len(literal)) for n in counts)
    mixed = any(c.isdigit() for c in literal) and any(c.isalpha() for c in literal)
    return bits >= LEAST_BITS and mixed


def without_source(verdict: _Told, paths: Sequence[str] | None) -> _Told:
    """A verdict, or whatever else is told, without the text of source lines.

    Args:
        verdict: what to tell.
        paths: absolute paths of the files to leave out, None for all files.
    """

    def blank(value: object) -> object:
        if isinstance(value, Location) and (paths is None or value.absolute in paths):
            return Location(
                path=value.path,
                absolute=value.absolute,
                line=value.line,
                function=value.function,
                text="",
            )
        return None

    return map_values(verdict, blank)


def command(argv: Sequence[str]) -> str:
    """The command that was typed, with the values of headers and arguments that hold secrets left out."""
    shown = []
    for number, word in enumerate(argv):
        text = PurePath(word).name if number == 0 else word
        if number == 0 and text == "__main__.py":
            text = "python -m diag"
        text = _PRIVATE_HEADERS.sub(r"\1: ***\0", text).partition("\0")[0]
        text = _PRIVATE_FIELDS.sub(r'\1"***"', text)
        text = _PRIVATE_NAMES.sub(r"\1=***\0", text).partition("\0")[0]
        shown.append(f"'{text}'" if " " in text and number else text)
    return " ".join(shown)
