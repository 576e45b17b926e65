"""Make the reference pages that come from code; `python docs/generate.py --check` says whether they are fresh."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from inspect import cleandoc, getdoc, getmembers, isclass
from pathlib import Path
from types import ModuleType

import click

from diag import change, comparison, finding, remedy
from diag.checking import result
from diag.checking.options import KEYS as CHECK_KEYS
from diag.cli import cli
from diag.frameworks import NAMES as FRAMEWORKS
from diag.frameworks import Framework, get_framework
from diag.matrix import ANY_WORKLOAD
from diag.messages import SECTIONS
from diag.plan import ServerOptions
from diag.reports.json import FORMAT
from diag.servers import SERVERS, servers_for
from diag.settings import KEYS
from diag.static import BlockKind
from diag.static import finding as static_finding
from diag.static.knowledge.effects import read_summary
from diag.static.knowledge.lookup import FOLDER
from diag.store import SCHEMA_VERSION, schema_sql
from diag.strategies import STRATEGIES, Strategy, unsuited

REFERENCE = Path(__file__).parent / "reference"
_MADE = "<!-- Made by docs/generate.py from {source}; edit that. -->\n\n"
_COLUMN = re.compile(r"^    (?P<name>\w+) (?P<type>INTEGER|TEXT)(?P<rest>[^,-]*),?\s*(?:-- (?P<words>.*))?$")


def recording_page() -> str:
    """The recording's schema, table by table."""
    lines = [
        _MADE.format(source="diag/store/schema.sql"),
        "# The recording\n\n",
        f"One SQLite file, schema version {SCHEMA_VERSION}. `sqlite3 FILE .schema` shows the same comments. ",
        "It can be read while it is being written, from a read-only folder, and after its writer was killed ",
        "(`meta.finished` is then 0); a `-journal` file beside it, which only a kill in the middle of a commit ",
        "leaves, belongs to it.\n\n",
    ]
    comment: list[str] = []
    for line in schema_sql().splitlines():
        if line.startswith("--"):
            comment.append(line.removeprefix("--").strip())
        elif line.startswith("CREATE TABLE"):
            lines.append(f"## {line.split()[2]}\n\n{_paragraphs(comment)}\n\n")
            lines.append("| column | type | meaning |\n|---|---|---|\n")
            comment = []
        elif match := _COLUMN.match(line):
            kind = match["type"] + ("" if "NOT NULL" in line or "PRIMARY KEY" in line else " or NULL")
            lines.append(f"| `{match['name']}` | {kind} | {_cell(match['words'] or '')} |\n")
        elif not line and comment:
            lines.append(_paragraphs(comment) + "\n\n")
            comment = []
        elif line == ");":
            lines.append("\n")
    return "".join(lines)


def cli_page() -> str:
    """Every command, its arguments and its options."""
    lines = [_MADE.format(source="diag/cli"), "# The command line\n\nEvery command also takes `--help`.\n\n"]
    root = click.Context(cli, info_name="diag")
    lines.append(_command(cli, root))
    for name in cli.list_commands(root):
        command = cli.get_command(root, name)
        assert command is not None
        lines.append(_command(command, click.Context(command, info_name=name, parent=root)))
    return "".join(lines)


def _command(command: click.Command, context: click.Context) -> str:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = [f"## {context.command_path}\n\n```\n{usage}\n```\n\n{_help(command.help or '')}\n\n"]
    options = [option for option in command.params if isinstance(option, click.Option)]
    records = [record for option in options if (record := option.get_help_record(context))]
    if records:
        lines.append("| option | meaning |\n|---|---|\n")
    lines += [f"| `{_cell(name)}` | {_cell(words)} |\n" for name, words in records]
    return "".join([*lines, "\n"])


def _help(text: str) -> str:
    """Click's help text as Markdown: a paragraph after a form feed mark is code."""
    paragraphs = []
    for paragraph in cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b"):
            paragraphs.append(
                "```\n" + "\n".join(line.strip() for line in paragraph.splitlines()[1:]) + "\n```"
            )
        else:
            paragraphs.append(" ".join(paragraph.split()))
    return "\n\n".join(paragraphs)


def settings_page() -> str:
    """Every key of the table in pyproject.toml."""
    lines = [
        _MADE.format(source="diag/settings.py"),
        "# Settings\n\nThe table `[tool.diag]` of the nearest pyproject.toml that has one, from the current folder up ",
        "to the top of the repository. A flag wins over its key.\n\n",
        '```toml\n[tool.diag]\ntarget = "shop.api:app"\nthreshold = "20ms"\nusers = 50\n\n',
        '[tool.diag.requests]\n"POST /items" = {name = "x"}\n"GET /items/7" = ""\n```\n\n',
        "| key | value | flag |\n|---|---|---|\n",
    ]
    lines += [f"| `{name}` | {_cell(key.wanted)} | `{key.flag}` |\n" for name, key in KEYS.items()]
    lines.append(
        "\n## diag check\n\nThe table `[tool.diag.check]` beside it.\n\n```toml\n[tool.diag.check]\n"
        'targets = ["shop"]\nexclude = ["migrations"]\nharmless = ["shop.cache.*"]\n\n[tool.diag.check.blocking]\n'
        '"vendor.client.fetch" = "vendor.aio.fetch"\n```\n\n| key | value |\n|---|---|\n'
    )
    lines += [f"| `{name}` | {_cell(wanted)} |\n" for name, wanted in CHECK_KEYS.items()]
    return "".join(lines)


def messages_page() -> str:
    """Every message, by slug."""
    lines = [
        _MADE.format(source="diag/messages.py"),
        "# Messages\n\nEvery error says what happened, the likely cause and the next command, and ends with the ",
        "place of its message on this page. Errors exit with 2, Ctrl-C with 130.\n\n",
    ]
    for title, messages in SECTIONS:
        lines.append(f"## {title}\n\n")
        lines += [f"### {slug}\n\n{words}\n\n" for slug, words in messages.items()]
    return "".join(lines)


def json_page() -> str:
    """The keys of ``--json``."""
    return "".join(
        [
            _MADE.format(source="diag/finding.py, diag/comparison.py, diag/change.py, diag/remedy.py, diag/checking and diag/static"),
            "# Verdicts and comparisons as JSON\n\n",
            f"`diag explain --json` and `diag report --json` print one object, of format {FORMAT}: the keys of Verdict ",
            "below, and `format`, `diag_version` and `exit_code` (0 clean, 1 blocked, 2 could not tell). Keys that end ",
            "in `_ns` are nanoseconds. `tried` is a list of Tried, one a culprit whose remedies were tried. A number that could not be computed is `null`. The text is ASCII. A format keeps ",
            "its keys and their meaning; new keys may come.\n\n",
            "`diag compare --json`, and `diag report --json` of its recording, print the keys of Comparison instead; ",
            "`diag report BEFORE AFTER --json` those of Change. `diag check --format json` prints the keys of ",
            "CheckResult, with `allowed`, `counts`, `packages` and `recordings` in place of `analysis` and `verdicts`.\n\n",
            *_classes(finding, finding.Verdict),
            *_classes(comparison, comparison.Comparison),
            *_classes(change, change.Change),
            *_classes(remedy, remedy.Tried),
            *_classes(result, result.CheckResult),
            *_classes(static_finding, static_finding.StaticFinding),
        ]
    )


def _classes(module: ModuleType, first: type) -> Iterator[str]:
    """The values of a module, key by key."""
    classes = [value for _, value in getmembers(module, isclass) if value.__module__ == module.__name__]
    classes.sort(key=lambda value: value is not first)
    for value in classes:
        yield f"## {value.__name__}\n\n{_summary(value)}"
        if is_dataclass(value):
            words = dict(_attributes(value))
            yield "\n\n| key | type | meaning |\n|---|---|---|\n"
            for field in fields(value):
                yield f"| `{field.name}` | {_json_type(str(field.type))} | {_cell(words.get(field.name, ''))} |\n"
            yield "\n"
        elif issubclass(value, Enum):
            names = (member.value if isinstance(member, str) else member.name.lower() for member in value)
            yield f" One of {', '.join(f'`{name}`' for name in names)}.\n\n"


def strategies_page() -> str:
    """How work can be executed, strategy by strategy."""
    lines = [
        _MADE.format(source="diag/strategies"),
        "# Strategies\n\n",
        "How a workload is executed: `diag explain workload.py --strategy NAME`. Unasked, it runs those that apply ",
        f"among {_listed(s.name for s in STRATEGIES if s.default)}. `diag compare --list` says which of them go ",
        "with which framework and server on this machine, and why the others do not.\n\n",
    ]
    for strategy in STRATEGIES:
        fitting = [f.name for f in map(get_framework, FRAMEWORKS) if _go_together(f, strategy)]
        servers = (
            _listed(s.name for s in SERVERS if not unsuited(strategy, get_framework("flask"), s))
            if strategy.patched
            else ""
        )
        lines += [
            f"## {strategy.name}\n\nIn short: {strategy.description}.\n\n{cleandoc(type(strategy).__doc__ or '')}\n\n",
            f"{getdoc(strategy.applies)} So it exists in {_listed(fitting)}",
            f", on {servers}.\n\n" if servers else ".\n\n",
        ]
    return "".join(lines).replace("``", "`")


def frameworks_page() -> str:
    """How handlers can become an app, framework by framework."""
    lines = [
        _MADE.format(source="diag/frameworks"),
        "# Frameworks\n\n",
        "How a workload becomes an app: `diag explain workload.py --framework NAME`. An app of your own is served ",
        "as it is; diag finds the routes of apps of FastAPI, Starlette, Flask, Quart, Litestar, Django, Sanic and ",
        "Bottle by itself.\n\n",
    ]
    words = {"async": "`async def`", "def": "`def`"}
    for framework in map(get_framework, FRAMEWORKS):
        module = sys.modules[type(framework).__module__]
        fitting = [s.name for s in STRATEGIES if _go_together(framework, s)]
        lines += [
            f"## {framework.name}\n\n{cleandoc(module.__doc__ or '')}\n\n{cleandoc(type(framework).__doc__ or '')}\n\n",
            f"Handlers: {' and '.join(words[form] for form in framework.handlers)}. ",
            f"Strategies: {_listed(fitting)}. Servers: {_listed(s.name for s in servers_for(framework.interface))}.\n\n",
        ]
    return "".join(lines).replace("``", "`")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _go_together(framework: Framework, strategy: Strategy) -> bool:
    """Whatever is installed here."""
    suited = any(not unsuited(strategy, framework, server) for server in servers_for(framework.interface))
    return suited and not strategy.applies(ANY_WORKLOAD, framework)


def _json_type(annotation: str) -> str:
    """What JSON has for a Python type."""
    if annotation == "tuple[tuple[Location, int], ...]":
        return "list of {location: Location, percent: integer}"
    if annotation == "tuple[tuple[float, int], ...]":
        return "list of [number, integer]"
    words = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "None": "null"}
    plain = re.sub(r"tuple\[(\w+), \.\.\.\]", r"list of \1", annotation).replace(" | ", " or ")
    return re.sub(r"\w+", lambda match: words.get(match[0], match[0]), plain)


def _summary(value: type) -> str:
    return " ".join((getdoc(value) or "").split("\n\n")[0].split())


def _attributes(value: type) -> Iterator[tuple[str, str]]:
    """Names and meanings under ``Attributes:`` of a docstring; a line may describe several."""
    _, _, section = (getdoc(value) or "").partition("Attributes:\n")
    joined = re.sub(r"\n {8,}", " ", section)
    for line in joined.splitlines():
        names, colon, words = line.strip().partition(": ")
        if colon:
            for name in names.split(", "):
                yield name, words


def _paragraphs(comment: list[str]) -> str:
    return "\n".join(comment).strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("``", "`")


def servers_page() -> str:
    """How apps can be served, server by server."""
    lines = [
        _MADE.format(source="diag/servers"),
        "# Servers\n\n",
        "What serves the app: `--server NAME`, with `--loop`, `--workers` and `--threads` where it has them. Each is ",
        "the real package, started by its own command line; what is set there, and why, is listed with it. An app is ",
        f"served by {_listed([servers_for('asgi')[0].name])} (ASGI) or {_listed([servers_for('wsgi')[0].name])} (WSGI) unless told ",
        "otherwise. `pip install 'diag[servers]'` installs those that diag itself does not bring.\n\n",
    ]
    for server in SERVERS:
        loop = (server.loops or ("asyncio",))[0]
        command = server.command(ServerOptions(server=server.name, loop=loop), "127.0.0.1", 8000)
        loops = f" Loops: {_listed(server.loops)}." if server.loops else ""
        lines += [
            f"## {server.name}\n\n{cleandoc(type(server).__doc__ or '').replace('``', '`')}\n\n",
            f"Serves {_listed(i.upper() for i in server.interfaces)} applications.{loops}\n\n",
            f"```\n{shlex.join(['python', *command[1:]])}\n```\n\n",
            *(f"- {note}\n" for note in server.notes),
            "\n",
        ]
    return "".join(lines)


def blocking_calls_page() -> str:
    """The standard library's blocking calls, as `diag.static` knows them."""
    parts = [
        _MADE.format(source="diag/static/knowledge/stdlib.toml") + "# Blocking calls of the standard library\n",
        """What `diag.static` knows of them; how packages' calls are known, and what the severities mean, is explained in
[How blocking calls are found in source](../explanation/static.md). `Class.__enter__` is what `with` calls,
`Class.__iter__` what a loop does; `io.File` is any open file.
""",
    ]
    summary = read_summary(FOLDER / "stdlib.toml")
    for severity in ("error", "warning", "info"):
        parts.append(f"## {severity}\n\n| calls | holds the loop by | why | what helps |\n|---|---|---|---|")
        for group in summary.blocking:
            if group.severity == severity:
                calls = ", ".join(f"`{name}`" for name in group.calls.split())
                holds = "waiting" if group.kind is BlockKind.WAIT else "computing"
                parts.append(f"| {calls} | {holds} | {_cell(group.why)} | {_cell(group.instead)} |")
        parts.append("")
    return "\n".join(parts)


PAGES: dict[str, Callable[[], str]] = {
    "blocking-calls.md": blocking_calls_page,
    "recording.md": recording_page,
    "cli.md": cli_page,
    "settings.md": settings_page,
    "messages.md": messages_page,
    "json.md": json_page,
    "strategies.md": strategies_page,
    "frameworks.md": frameworks_page,
    "servers.md": servers_page,
}


def main() -> int:
    """Write the pages, or say which are stale."""
    stale = []
    for name, make in PAGES.items():
        path = REFERENCE / name
        text = make().rstrip() + "\n"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text, encoding="utf-8")
    if "--check" in sys.argv and stale:
        print(f"stale: {', '.join(stale)}; run: python docs/generate.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
