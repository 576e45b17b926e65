"""Templates, style and script put together to a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup, escape

from diag import __version__, units
from diag.reports.html.embed import policy

SCRIPTS = ("view.js", "paint.js", "words.js", "input.js", "timeline.js", "teach.js", "page.js")
"""In this order; each is one of the page's modules, and they share one scope that nothing else sees."""


def pieces_of(template: str, **values: Any) -> Iterator[str]:
    """A page in pieces.

    Args:
        template: its file's name.
        values: what the template takes.
    """
    style, script = _style(), _script()
    yield from (
        _environment()
        .get_template(template)
        .generate(
            style=style,
            script=script,
            policy=policy(script=script, style=style),
            version=__version__,
            **values,
        )
    )


_UNBROKEN = re.compile(
    r"(?<=[0-9]) (?=(?:ns|µs|ms|s|min|h|%|B|kB|MB|GB)(?![A-Za-z]))"
    r"|(?:(?<=GET)|(?<=PUT)|(?<=POST)|(?<=HEAD)|(?<=PATCH)|(?<=DELETE)|(?<=OPTIONS)) (?=/)"
    r"| (?=\+[0-9])"
)
_NO_BREAK = "\xa0"


def _unbroken(value: object) -> object:
    """A number stays on the line of its unit, and a route's method on that of its path."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _UNBROKEN.sub(_NO_BREAK, value)
    return value


def _code(text: str) -> Markup:
    """Text with what stands between backticks as code; everything else is escaped."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("diag.reports.html", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_unbroken,
    )
    environment.filters["duration"] = units.duration
    environment.filters["code"] = _code
    return environment


@cache
def _style() -> str:
    return _asset("report.css")


@cache
def _script() -> str:
    parts = "\n".join(_asset(name) for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}\n}})();\n'


def _asset(name: str) -> str:
    return files("diag.reports.html").joinpath("assets", name).read_text(encoding="utf-8")
