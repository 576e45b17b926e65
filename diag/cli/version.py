"""``diag version``."""

from __future__ import annotations

import platform

import click

from diag import __version__


@click.command("version")
def command() -> None:
    """Say which diag this is, and on what it runs."""
    click.echo(
        f"diag {__version__} "
        f"({platform.python_implementation()} {platform.python_version()}, {platform.system()})"
    )
