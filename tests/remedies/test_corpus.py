"""Every remedy's change of source, on small texts that hold what real handlers hold."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import textwrap

import pytest
from remedy_cases import CORPUS, FILE, RemedyCase, proposed, read_case

from diag.remedy import digest

CASES = [read_case(path) for path in sorted(CORPUS.glob("*.txt"))]
CHANGED = [case for case in CASES if case.outcome == "after"]
RUN = [case for case in CHANGED if case.run]


def named(cases):
    return pytest.mark.parametrize("case", cases, ids=[case.name for case in cases])


@named(CASES)
def test_a_remedy_writes_what_the_case_says_or_gives_the_reason_why_not(case: RemedyCase):
    proposal = proposed(case)
    if case.outcome == "after":
        (remedy,) = proposal.remedies
        (edit,) = remedy.edits
        assert edit.after == case.expected
        assert (edit.path, edit.before_sha256) == (FILE, digest(case.before))
    elif case.outcome == "refused":
        assert not proposal.remedies
        (refusal,) = proposal.refusals
        assert refusal.reason + "\n" == case.expected
        assert refusal.by_hand
    else:
        assert case.outcome == "nothing"
        assert not proposal.remedies + proposal.refusals


@named(RUN)
def test_the_changed_code_gives_what_the_original_gave(case: RemedyCase):
    def result(text: str) -> str:
        module: dict[str, object] = {"__name__": "module"}
        exec(compile(text, "module.py", "exec"), module)

        async def call() -> object:
            return await eval(case.run, module)

        return repr(asyncio.run(call()))

    assert result(case.expected) == result(case.before)


def test_every_diff_applies_with_git(tmp_path):
    git = shutil.which("git")
    assert git is not None
    for case in CHANGED:
        (remedy,) = proposed(case).remedies
        folder = tmp_path / case.name
        folder.mkdir()
        (folder / "module.py").write_text(case.before)
        subprocess.run([git, "apply", "-"], input=remedy.diff, text=True, cwd=folder, check=True)
        assert (folder / "module.py").read_text() == case.expected


@named(CHANGED)
def test_the_result_needs_no_second_change_of_its_imports(case: RemedyCase):
    lines = [line for line in case.expected.splitlines() if line.startswith(("import ", "from "))]
    assert len(lines) == len(set(lines))


@pytest.mark.parametrize("ending", ["", "\n# the end"])
def test_a_file_that_does_not_end_with_a_line_break_keeps_its_end(ending):
    case = read_case(CORPUS / "native_sleep.txt")
    text = case.before.rstrip("\n") + ending
    (remedy,) = proposed(case, before=text).remedies
    assert remedy.edits[0].after.endswith("    return 1" + ending)
    assert ("No newline at end of file" in remedy.diff) == (ending == "" or "end" in remedy.diff)


def test_text_that_is_not_ascii_before_the_call_does_not_move_the_change():
    text = textwrap.dedent("""
        import time


        async def handler():
            größe = "äöü€😀"; time.sleep(len(größe) / 1e4)  # <- culprit
            return größe
    """)
    (remedy,) = proposed(read_case(CORPUS / "native_sleep.txt"), before=text).remedies
    assert 'größe = "äöü€😀"; await asyncio.sleep(len(größe) / 1e4)' in remedy.edits[0].after


def test_a_second_fix_of_a_file_uses_the_helpers_of_the_first():
    text = textwrap.dedent("""
        async def one(count):
            return sum(i * i for i in range(count))  # <- culprit


        async def other(count):
            return sum(i + i for i in range(count))
    """)
    case = read_case(CORPUS / "pool_expression.txt")
    (first,) = proposed(case, before=text).remedies
    fixed = first.edits[0].after.replace("  # <- culprit", "")
    again = fixed.replace("(i + i for i in range(count))", "(i + i for i in range(count))  # <- culprit")
    (second,) = proposed(case, before=again).remedies
    after = second.edits[0].after
    assert after.count("def _process_pool():") == after.count("def _end_with_parent():") == 1
    assert after.count("_process_pool(), _") == 2
    assert after.count("import asyncio\n") == 1
