"""The terminal report: all that DESIGN's example says, at any width, with nothing in it that acts."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from inline_snapshot import snapshot
from rich.cells import cell_len
from rich.console import Console
from verdicts import ALL, BLOCKED, CLEAN, MANY, MS, NO_VICTIMS, RENDER, SCRIPT, UNMEASURED, WORKLOAD, location

from diag.finding import ExpectationResult, Status, Verdict
from diag.reports.terminal import render, show

HOSTILE = "\x1b[2J\x1b]0;x\x07\u202e\x00\r\n\t[bold red]漢字😀[/] \x9b1m" + "A" * 1_000_000


def everywhere(verdict: Verdict, text: str) -> Verdict:
    """A verdict whose every text of the target's is `text`."""
    place = replace(location(), path=text, text=text, function=text)
    finding = replace(
        RENDER,
        title=text,
        location=place,
        also=((place, 3),),
        path=(place,),
        victims=(replace(RENDER.victims[0], label=text),),
        why=text,
        advice=text,
        evidence=(text,),
    )
    return replace(
        verdict,
        reason=text,
        findings=(finding,),
        summary=replace(verdict.summary, target=text, load=text, server=text, python=text),
        quality=replace(verdict.quality, degradations=(text,)),
        handlers=tuple(replace(handler, route=text, reason=text) for handler in verdict.handlers),
        cells=tuple(replace(cell, label=text, note=text) for cell in verdict.cells),
        conservation=tuple(replace(row, route=text) for row in verdict.conservation),
        expectation=ExpectationResult(met=False, expected=text, found=text),
        recording="",
    )


def test_a_blocked_app() -> None:
    """What DESIGN section 5 shows, at 80 columns."""
    assert render(BLOCKED, width=80) == snapshot("""\
diag explain shop.api:app
  42.0 s · 1,200 requests · closed, 20 users · uvicorn (uvloop), 1 worker ·
  CPython 3.11, 2 cores
data: 18,402 steps, all timed · stacks for 92 % of 12 blocks ·
      run-queue wait 3.1 % · canary 50 ms → found, 50.4 ms ✓

✗ BLOCKED  GET /report                                         shop/report.py:88
      88 │     body = pdf.render(rows)
      91 │     body += pdf.footer()  12 %
  12 blocks · p50 182 ms, max 240 ms ·
  98 % on-CPU holding the GIL, 2 % run-queue wait
  via : render (pdf/api.py:31) → render (shop/report.py:80)
  cost: 37 other requests waited 4.1 s in all (worst: GET /health +231 ms,
        GET /cart +180 ms, POST /items +60 ms and 1 other; 6 had not reached the
        app yet)
  why : pure-Python computing; a thread would still hold the GIL
  fix : could help: running it in a process pool

~ CONVOY  GET /list                                           shop/listing.py:12
      12 │         rows.append(fill(row))
  1 convoy · 11 steps × 9.0 ms in one iteration · 99 ms ·
  100 % on-CPU (GIL not observed)
  cost: no other request was seen waiting behind it
  why : no single step is long, together they are

i FIRST CALL  GET /cart                                           shop/cart.py:5
       5 │     import pandas
  1 block · 310 ms
  why : it happened on the first call only: an import

~ ERRORS  GET /broken
  why : 12 of 40 requests failed with status 500
  seen: ZeroDivisionError: division by zero at shop/api.py:60
        ZeroDivisionError: division by zero at shop/api.py:61
        ZeroDivisionError: division by zero at shop/api.py:62
        3 more like this: -v shows all

✓ 2 handlers never held the loop over 8.2 ms (worst: GET /cart)
? 1 not measured: POST /upload needs a body; give one with --request

figures: 28.6 req/s · p50 4.0 ms · p99 248 ms · blocked 5.2 % of the time ·
         3.8 ms CPU a request
time: clients waited 6.9 s in all · 3 % before the app ·
      60 % behind blocks of others · 32 % own steps · 4 % awaiting ·
      1 % after the app · <1 % unattributed

recording: /home/user/.local/state/diag/diag-shop.api-app-20261120-081500.diag
verdict: BLOCKED · the loop was blocked for 2.20 s of 42.00 s (5.2 %)
exit 1        0 clean · 1 blocked · 2 could not tell
""")


def test_a_workload_with_its_strategies() -> None:
    """Side by side, at 120 columns."""
    assert render(WORKLOAD, width=120) == snapshot("""\
diag explain workloads/blocking_sleep.py
  42.0 s · 1,200 requests · closed, 20 users · uvicorn (asyncio), 1 worker · CPython 3.11, 2 cores
data: 18,402 steps, all timed · stacks for 92 % of 12 blocks · run-queue wait 3.1 % · canary 50 ms → found, 50.4 ms ✓

✗ BLOCKED  GET /work                                                                                 blocking_sleep.py:9
       9 │     time.sleep(seconds)
  12 blocks · p50 182 ms, max 240 ms · 100 % off-CPU (waiting)
  cost: 37 other requests waited 4.1 s in all (worst: GET /health +231 ms, GET /cart +180 ms, POST /items +60 ms and 1
        other; 6 had not reached the app yet)
  why : it waits without giving the loop back
  fix : could help: `await asyncio.sleep(...)`

   side by side   req/s     p50     p99  victims' p99  blocked  CPU/req  failed
▸  blocking        9.83  102 ms  130 ms        101 ms     98 %  0.48 ms       0  straight in async def
   native          98.2  101 ms  103 ms        2.1 ms      0 %  0.51 ms       0  awaited
   sync-handler  1,097*  101 ms  104 ms        3.0 ms   0.04 %  0.70 ms       2  def endpoint, the framework's thread p…
? to-thread: no figures: the server died on start: address already in use
▸ is what the verdict is about
* the load generator was the limit here, not the server

time: clients waited 6.9 s in all · 3 % before the app · 60 % behind blocks of others · 32 % own steps · 4 % awaiting ·
      1 % after the app · <1 % unattributed

✓ as expected: waiting at time.sleep(seconds)
recording: /home/user/.local/state/diag/diag-shop.api-app-20261120-081500.diag
verdict: BLOCKED · the loop was blocked for 2.20 s of 42.00 s (5.2 %)
exit 1        0 clean · 1 blocked · 2 could not tell
""")


def test_an_unmeasured_run() -> None:
    """It says why, and exits 2."""
    assert render(UNMEASURED, width=80) == snapshot("""\
diag explain shop.api:app
  42.0 s · 1,200 requests · closed, 20 users · uvicorn (uvloop), 1 worker ·
  CPython 3.11, 2 cores
data: no steps were seen · run-queue wait 3.1 % · canary 50 ms → not found ✗
note: py-spy is not permitted to read the target (no CAP_SYS_PTRACE and yama is
      1), so the GIL was not observed.

? UNMEASURED  the planted block of 50 ms was not found, so that others may have
              been missed as well

? 1 not measured: POST /upload needs a body; give one with --request

recording: /home/user/.local/state/diag/diag-shop.api-app-20261120-081500.diag
verdict: UNMEASURED
exit 2        0 clean · 1 blocked · 2 could not tell
""")


def test_verbose_adds_handlers_and_time() -> None:
    """Nothing is left out."""
    assert render(BLOCKED, width=80, verbose=True) == snapshot("""\
diag explain shop.api:app
  42.0 s · 1,200 requests · closed, 20 users · uvicorn (uvloop), 1 worker ·
  CPython 3.11, 2 cores
data: 18,402 steps, all timed · stacks for 92 % of 12 blocks ·
      run-queue wait 3.1 % · canary 50 ms → found, 50.4 ms ✓

✗ BLOCKED  GET /report                                         shop/report.py:88
      88 │     body = pdf.render(rows)
      91 │     body += pdf.footer()  12 %
  12 blocks · p50 182 ms, max 240 ms ·
  98 % on-CPU holding the GIL, 2 % run-queue wait
  via : render (pdf/api.py:31) → render (shop/report.py:80)
  cost: 37 other requests waited 4.1 s in all (worst: GET /health +231 ms,
        GET /cart +180 ms, POST /items +60 ms and 1 other; 6 had not reached the
        app yet)
  why : pure-Python computing; a thread would still hold the GIL
  fix : could help: running it in a process pool

~ CONVOY  GET /list                                           shop/listing.py:12
      12 │         rows.append(fill(row))
  1 convoy · 11 steps × 9.0 ms in one iteration · 99 ms ·
  100 % on-CPU (GIL not observed)
  cost: no other request was seen waiting behind it
  why : no single step is long, together they are

i FIRST CALL  GET /cart                                           shop/cart.py:5
       5 │     import pandas
  1 block · 310 ms
  why : it happened on the first call only: an import

~ ERRORS  GET /broken
  why : 12 of 40 requests failed with status 500
  seen: ZeroDivisionError: division by zero at shop/api.py:60
        ZeroDivisionError: division by zero at shop/api.py:61
        ZeroDivisionError: division by zero at shop/api.py:62
        ZeroDivisionError: division by zero at shop/api.py:63
        ZeroDivisionError: division by zero at shop/api.py:64
        ZeroDivisionError: division by zero at shop/api.py:65

✓ 2 handlers never held the loop over 8.2 ms (worst: GET /cart)
? 1 not measured: POST /upload needs a body; give one with --request

  handler      requests  failed  longest step      p50     p99
  GET /report        12       0        240 ms   190 ms  260 ms
  GET /cart         400       0        8.2 ms   1.0 ms  9.0 ms
  GET /health       780       3       <1.0 ms  0.50 ms  231 ms

figures: 28.6 req/s · p50 4.0 ms · p99 248 ms · blocked 5.2 % of the time ·
         3.8 ms CPU a request
time: clients waited 6.9 s in all · 3 % before the app ·
      60 % behind blocks of others · 32 % own steps · 4 % awaiting ·
      1 % after the app · <1 % unattributed
  mean of a request  client   before  queued     own  awaiting    after    rest
  GET /report        200 ms  0.83 ms   12 ms  183 ms    1.7 ms  0.67 ms  1.0 ms
  GET /health        5.8 ms  0.26 ms  5.1 ms    0 ms   0.32 ms    64 µs    0 ms

recording: /home/user/.local/state/diag/diag-shop.api-app-20261120-081500.diag
verdict: BLOCKED · the loop was blocked for 2.20 s of 42.00 s (5.2 %)
exit 1        0 clean · 1 blocked · 2 could not tell
""")


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("width", [40, 57, 80, 100, 120, 200])
@pytest.mark.parametrize("verbose", [False, True])
def test_every_line_fits(name: str, width: int, verbose: bool) -> None:
    """But for the recording's path, which is there to be copied."""
    for line in render(ALL[name], width=width, verbose=verbose).splitlines():
        assert line.startswith("recording: ") or cell_len(line) <= width
        assert line == line.rstrip()


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("name", ["blocked", "workload", "unmeasured"])
def test_hostile_text_is_harmless(name: str, status: Status) -> None:
    """No control character but line ends, no line that is too long, no markup carried out."""
    verdict = replace(everywhere(ALL[name], HOSTILE), status=status)
    for verbose in (False, True):
        text = render(verdict, width=80, verbose=verbose)
        assert all(line.isprintable() for line in text.split("\n"))
        assert all(cell_len(line) <= 80 for line in text.split("\n"))
        assert "[bold red]" in text
        assert r"\x1b[2J" in text
        assert "\u202e" not in text


def test_colour_adds_escapes_and_nothing_else() -> None:
    """Each symbol and word is there without it."""
    plain, coloured = render(BLOCKED), render(BLOCKED, color=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, NO_COLOR leaves bold and dim, but no colour."""
    monkeypatch.setenv("NO_COLOR", "1")
    file = io.StringIO()
    show(BLOCKED, Console(file=file, force_terminal=True, width=80), encoding="utf-8")
    codes = {code for found in re.findall(r"\x1b\[([0-9;]*)m", file.getvalue()) for code in found.split(";")}
    assert codes <= {"0", "1", "2"}


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
@pytest.mark.parametrize("name", ALL)
def test_an_encoding_without_symbols_gets_words(name: str, encoding: str) -> None:
    """Nothing is lost but the looks."""
    text = render(everywhere(ALL[name], "µ → 漢"), encoding=encoding, verbose=True)
    text.encode(encoding)
    assert "?" not in text.replace("? ", "")
    render(ALL[name], encoding=encoding).encode(encoding)


def test_a_clean_run_says_the_worst_it_saw() -> None:
    """A rule that finds nothing still states a value."""
    text = render(CLEAN)
    assert "✓ CLEAN  nothing held the loop for 10 ms or longer" in text
    assert "✓ GET /cart never held the loop over 8.2 ms" in text
    assert "exit 0" in text


def test_nobody_paid_is_said() -> None:
    """A missing line could mean that nobody looked."""
    assert "cost: no other request was seen waiting behind it" in render(NO_VICTIMS)


def test_a_script_has_tasks() -> None:
    """Not requests."""
    text = render(SCRIPT)
    assert "4 other tasks waited 700 ms in all (worst: heartbeat +230 ms)" in text
    assert " 0 requests" not in text


def test_many_findings_are_counted() -> None:
    """Eight are shown in full, twelve in brief, and all of them in full with -v."""
    short, long = render(MANY), render(MANY, verbose=True)
    assert short.count("✗ BLOCKED") == 20
    assert (short.count("  why : "), long.count("  why : ")) == (8, 25)
    assert "and 5 more findings: -v shows all" in short
    assert long.count("✗ BLOCKED") == 25
    assert long.count("POST /upload/") == 14


def test_routes_that_share_a_reason_are_named_together() -> None:
    """A reason that many routes have is said once."""
    reasons = ["no body", "answered 401", "no body", *["no value"] * 7]
    handlers = tuple(
        replace(BLOCKED.handlers[3], route=f"GET /{number}", reason=reason)
        for number, reason in enumerate(reasons)
    )
    text = render(replace(BLOCKED, handlers=handlers))
    assert text[text.index("? 10") : text.index("figures")] == snapshot("""\
? 10 not measured:
  - GET /0, GET /2: no body
  - GET /1 answered 401
  - GET /3, GET /4, GET /5, GET /6, GET /7 and 2 more (-v shows all): no value

""")


def test_only_upper_bounds_are_said_as_such() -> None:
    """A step below 1 ms is not timed on its own."""
    verdict = replace(CLEAN, handlers=BLOCKED.handlers[2:3])
    assert "✓ GET /health never held the loop for 1.0 ms or longer" in render(verdict)
    assert "! failed: GET /health 3 of 783" in render(verdict)


def test_a_server_without_a_loop_has_workers() -> None:
    """Flask on gunicorn has no loop to hold."""
    verdict = replace(CLEAN, summary=replace(CLEAN.summary, server="gunicorn (sync), 2 workers"))
    assert "nothing held a worker for 10 ms" in render(verdict)


def test_an_unmet_expectation_says_both() -> None:
    """What was expected, and what was found."""
    result = ExpectationResult(met=False, expected="clean", found="waiting at line 9")
    assert "✗ not as expected: found waiting at line 9, expected clean" in render(
        replace(BLOCKED, expectation=result)
    )


def test_lost_steps_are_said() -> None:
    """The data line never hides what is missing."""
    quality = replace(BLOCKED.quality, dropped=12, canary_ok=False, canary_found_ns=81 * MS)
    text = render(replace(BLOCKED, quality=quality))
    assert "12 long ones lost" in text
    assert "canary 50 ms → wrong, 81.0 ms ✗" in text


def test_the_recordings_path_is_whole() -> None:
    """At any width."""
    assert f"recording: {BLOCKED.recording}\n" in render(BLOCKED, width=40)
