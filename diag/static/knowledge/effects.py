"""How a summary of a package looks, in a file and in memory.

A summary is a file named for the module that it is about (``google.cloud.storage.toml``): TOML where it is
written by hand, JSON of the same shape where it is generated. Names are dotted and public: a method is
``module.Class.method``, what calling ``boto3.client`` returns is ``boto3.client()``. `*` as the last part
fits any name that is not given more exactly.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec

from diag.finding import Confidence, Severity
from diag.static.finding import BlockKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a call does to the loop.

    Attributes:
        call: its full name, as the summary has it.
        kind: whether it waits or computes.
        severity: how much it hurts where it runs.
        confidence: how sure it is that this call blocks as a rule.
        why: one sentence, without a capital and a full stop.
        instead: the asynchronous counterpart, or what else helps; "" if nothing is known.
        via: how a package's function reaches what blocks, as text; "" where it is written by hand.
    """

    call: str
    kind: BlockKind
    severity: Severity
    confidence: Confidence
    why: str
    instead: str
    via: str = ""


class Blocking(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Calls that block in the same way.

    Attributes:
        calls: their names, separated by white space.
        kind, severity, confidence, why, instead: of `Effect`; severity is ``info``, ``warning`` or ``error``.
        via: by name, how a generated call reaches what blocks.
    """

    calls: str
    kind: BlockKind
    severity: str
    why: str
    instead: str = ""
    confidence: Confidence = Confidence.HIGH
    via: dict[str, str] = {}


class Summary(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is known of a package.

    Attributes:
        blocking: calls that block, in groups.
        harmless: names that do not, where a `*` would say that they do; separated by white space.
        returns: by name of a function or method, the type that a call of it gives.
        attributes: by name of an attribute, its type.
        bases: by name of a class, the class that it inherits from (several are separated by white space).
        aliases: other names of modules, classes and functions, each with the name used here.
        handoffs: functions and decorators that run what they are given elsewhere; separated by white space.
        version: of the package that was analysed, "" where it is written by hand.
    """

    blocking: list[Blocking] = []
    harmless: str = ""
    returns: dict[str, str] = {}
    attributes: dict[str, str] = {}
    bases: dict[str, str] = {}
    aliases: dict[str, str] = {}
    handoffs: str = ""
    version: str = ""


@lru_cache
def read_summary(path: Path) -> Summary:
    """A summary from its file.

    Raises:
        OSError: it could not be read.
        ValueError: it is no TOML or JSON, or not of the shape above.
    """
    data = path.read_bytes()
    if path.suffix == ".json":
        return msgspec.json.decode(data, type=Summary)
    return msgspec.convert(tomllib.loads(data.decode()), Summary)


def severity_of(text: str) -> Severity:
    """``info``, ``warning`` or ``error`` as a severity.

    Raises:
        ValueError: it is none of them.
    """
    try:
        return Severity[text.upper()]
    except KeyError:
        raise ValueError(f"a severity is info, warning or error, not {text}") from None
