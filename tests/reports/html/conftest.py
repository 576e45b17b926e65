"""A real browser, without a network, that opens pages from disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from diag.analysis.comparison import compare
from diag.recording import Recording
from diag.reports.html import pieces
from diag.rules import judge

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium; while it is there an event loop runs in this thread, which no other test may see."""
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu"]
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield started
        started.close()


@dataclass(slots=True)
class Opened:
    """A page in the browser, with everything that it complained of or asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def number(self, attribute: str) -> set[int]:
        """The numbers in an attribute of the timeline, such as who is lit."""
        found = self.page.locator("#timeline").get_attribute(attribute) or ""
        return {int(one) for one in found.split()}


Open = Callable[..., Opened]


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open a recording's page, at a width and in a colour scheme."""
    contexts = []

    def show_it(
        recording: Recording,
        *,
        width: int = 1280,
        scheme: str = "light",
        motion: str = "reduce",
        **options: object,
    ) -> Opened:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            offline=True,
            reduced_motion=motion,
            accept_downloads=True,
        )
        contexts.append(context)
        page = context.new_page()
        opened = Opened(page=page)
        page.on("console", lambda message: opened.complaints.append(message.text))
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        page.on("dialog", lambda dialog: opened.complaints.append(dialog.message))

        def note(request: Request) -> None:
            opened.asked.append(request.url)

        page.on("request", note)
        file = tmp_path / "report.html"
        judged = compare(recording) if recording.meta.target_kind == "comparison" else judge(recording)
        file.write_text("".join(pieces(recording, judged, **options)), encoding="utf-8")
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-ready]")
        return opened

    yield show_it
    for context in contexts:
        context.close()
