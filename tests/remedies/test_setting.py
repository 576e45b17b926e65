"""What a proposal is given of a recording: the run, and the user's own files alone."""

from __future__ import annotations

import dataclasses

from recordings import APP, ROOT, SOURCE, Scene

from diag.remedies.setting import setting_of

LIBRARY = f"{ROOT}/.venv/lib/python3.11/site-packages/gunicorn/base.py"


def test_files_of_installed_packages_are_left_out_even_below_the_root():
    recording = Scene(sources={APP: SOURCE, LIBRARY: "x = 1\n", "/usr/lib/other.py": "y = 1\n"}).recording()
    assert set(setting_of(recording).sources) == {APP}


def test_the_run_that_the_verdict_is_about_gives_the_setting():
    recording = Scene().recording()
    cell = recording.runs[0].cell
    setting = setting_of(recording)
    assert (setting.root, setting.server, setting.loop) == (ROOT, cell.server, cell.loop)
    assert setting.cores == recording.meta.machine.cores


def test_a_recording_without_runs_has_a_setting_too():
    recording = dataclasses.replace(Scene().recording(), runs=())
    assert setting_of(recording).server == ""
