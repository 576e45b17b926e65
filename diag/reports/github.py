"""A check as workflow commands of GitHub Actions: each issue becomes an annotation at its line.

https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions; the escapes are those of
https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts.
"""

from __future__ import annotations

from diag.checking.joining import what_was_seen
from diag.checking.result import CheckResult, Issue
from diag.finding import Severity, Status
from diag.reports.text import clean

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def to_github(result: CheckResult) -> str:
    """One command a line; a last line for the log."""
    lines = [_annotation(one) for one in result.issues]
    lines += [
        _command("warning", _message(f"{one.message or one.slug}"), file=one.path, line=one.line)
        for one in result.problems
    ]
    lines += [
        _command("error", f"budget {one.name}: {one.found_ns} ns, {one.limit_ns} ns allowed: {one.where}")
        for one in result.budgets
        if not one.met
    ]
    if result.status is Status.UNMEASURED:
        lines.append(_command("error", f"diag could not tell: {result.reason}"))
    new = (
        f"{len(result.issues)} new, {len(result.known)} known" if result.baseline else str(len(result.issues))
    )
    lines.append(f"diag check: {new}, exit {result.exit_code}")
    return "\n".join(lines)


def _annotation(issue: Issue) -> str:
    parts = [f"{issue.message}.", issue.text.strip()]
    if issue.static is not None and len(issue.static.hops) > 1:
        parts += [f"{hop.path}:{hop.line} {hop.function} calls {hop.call}" for hop in issue.static.hops]
    if issue.measured is not None:
        parts.append(f"measured: {what_was_seen(issue.measured)}")
    parts += [f"{label}: {text}" for label, text in (("why", issue.why), ("fix", issue.advice)) if text]
    return _command(
        _COMMANDS[issue.severity if issue.fails else Severity.INFO],
        _message("\n".join(filter(None, parts))),
        file=issue.path,
        line=issue.line,
        endLine=issue.end_line,
        col=issue.column,
        endColumn=issue.end_column if issue.end_line == issue.line else 0,
        title=f"{issue.rule}: {issue.handler}",
    )


def _message(text: str) -> str:
    return clean(text, lines=True)


def _command(name: str, message: str, **properties: str | int) -> str:
    given = ",".join(f"{key}={_property(clean(str(value)))}" for key, value in properties.items() if value)
    return f"::{name}{' ' if given else ''}{given}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
