"""What each message means and what to do about it, by slug: the text of `docs/reference/messages.md`.

A slug that is used anywhere in diag has its entry here; a test sees to it.
"""

from __future__ import annotations

USAGE = {
    "usage": "The command line is not one that diag knows. `diag COMMAND --help` lists what it takes.",
    "no-target": (
        "There is nothing to look at: no TARGET was given and `[tool.diag]` names none, or what was given is empty. "
        "A target is a workload file, an app (`package.module:app`), a script or a recording."
    ),
    "bad-setting": (
        "An option, or a key of `[tool.diag]`, has a value of the wrong type or out of range. Durations are texts "
        "with a unit: `10ms`, `2s`, `1min`."
    ),
    "unknown-setting": "A key of `[tool.diag]` is not one of diag's. The keys are those of `diag explain --help`.",
    "bad-settings-file": "The pyproject.toml that is nearest cannot be read, or is not valid TOML.",
    "bad-request": (
        "A request of `--request` is not of the form `METHOD /path [-H 'Name: value'] [body]`, such as "
        '`POST /items {"name": "x"}`.'
    ),
    "no-framework": "There is no framework of that name; the message lists those there are.",
    "no-server": "There is no server of that name; the message lists those there are.",
    "no-remedy": (
        "There is no remedy of that name; the message lists those there are. Which of them fit is the cause's matter."
    ),
    "no-strategy": (
        "There is no strategy of that name, or none of those asked for applies to the workload: `native` needs an "
        "`async def` form, for example."
    ),
    "no-loop": "The server does not run on that event loop: `--loop` takes those that it knows.",
    "no-param": "`--param` names a parameter that no workload of the file takes.",
    "no-cell": (
        "No cell of the matrix fits `--select`, or none of those that fit can be measured here; `--list` shows all "
        "cells, and why some cannot be measured."
    ),
    "bad-selection": "`--select` takes `key=value` pairs with commas between: `framework=flask,strategy=gevent`.",
    "too-many-cpus": (
        "`--cpus` asks for more cores than diag itself may use. A limit takes away; measure on a larger machine instead."
    ),
    "bad-budget": (
        "`--budget` takes `block=TIME` (how long a measured block may be) and `victim-p99=TIME` (the 99th percentile of "
        "requests that block nothing themselves), with a comma between."
    ),
    "no-baseline": (
        "The file that `--baseline` names is not there, or is no baseline. `--write-baseline FILE` writes one from the "
        "issues that there are; commit it, and only new ones fail."
    ),
    "baseline-unwritable": "The baseline could not be written where `--write-baseline` says.",
    "no-git": "`--diff` asks git what changed; there is no git, or no repository with a commit around the current folder.",
    "no-revision": (
        "git does not know the revision that `--diff` names. In CI only one commit is fetched as a rule: fetch the branch "
        "that is compared with."
    ),
    "no-source": "The target's module has no Python source (it is compiled), so that only running it can tell.",
    "not-checkable": "`diag check` takes apps, folders and files; recordings go to `diag report`.",
    "excluded-options": "Two options that exclude each other were given.",
    "generator-refuses": (
        "The load generator that `--generator` names is not installed, or cannot make a load of this kind: `ab` speaks "
        "HTTP/1.0 only, `wrk` runs for a duration, `h2load` keeps its connections. Locust's master must answer, have workers, "
        "and not be busy with another test."
    ),
    "not-enough-memory": (
        "The published size of a preset needs more memory than is free; the message names a `--scale` that fits."
    ),
    "not-comparable": "`diag compare` serves workload files and apps. Scripts and recordings go to `diag explain`.",
    "server-interface": "The server does not speak the application's interface: ASGI or WSGI.",
}
TARGETS = {
    "target": "The target could not be read or understood.",
    "missing-file": "There is no file of that name. It is looked for from the current folder.",
    "missing-module": (
        "There is no module of that name on the import path. diag looks from the current folder, as your server "
        "does; run it in the folder that the server is started in."
    ),
    "unreadable-file": "The file system does not let this user read the file.",
    "not-python": "The file is neither Python source nor a recording.",
    "wrong-encoding": "The file is not in the encoding that it says, which is UTF-8 unless it says otherwise.",
    "syntax-error": "Python cannot parse the file; the message has the line.",
    "no-usual-file": "A folder was named, and none of the files that usually hold an app is in it. Name the file.",
    "bad-attribute": "What stands after the colon is not a name: `package.module:app`.",
    "factory-arguments": "A factory is called without arguments. Write one that needs none.",
    "nothing-to-measure": (
        "The file holds no app, no function that can be called without arguments, and no call that runs an event "
        "loop. Put the work into a function: `def work(): ...`."
    ),
    "guarded-app": (
        'The app is made under `if __name__ == "__main__":`. A server imports the file, and what stands there is not run '
        "then: make the app at top level, or in a function `create_app()` that returns it."
    ),
    "no-app": "The module was imported and no ASGI or WSGI application was found under the names looked at.",
    "no-workload": "The file holds no workload of that name; the message lists those that it holds.",
    "workload-needs-arguments": "A workload is called without arguments: give its parameters default values.",
    "expected-line": (
        'The line that `diag.Blocks(at="...")` names must be found exactly once inside the workload: it is what the '
        "verdict is compared with."
    ),
    "import-error": (
        "Importing the target raised an exception; the message has your own frames of the traceback. If a package "
        "is missing, install diag into the environment of your app."
    ),
    "exits-on-import": 'The target calls `sys.exit()` while it is imported. Put it under `if __name__ == "__main__":`.',
    "crashes-on-import": "The interpreter itself died while it imported the target: a native extension, or `os._exit()`.",
    "hangs-on-import": "Importing the target took too long; the message has the line, if it is yours.",
}
SERVERS = {
    "server": "The target's server could not be started, or died.",
    "server-unavailable": "The server is not installed, or cannot be used with the chosen options.",
    "server-died": "The server ended before it answered; its last log lines are in the message.",
    "out-of-memory": (
        "The kernel killed processes of the target because they used more than `--memory` gives them, or importing the "
        "app raised MemoryError. This is a result: the report and the recording have it, with the limit and the peak."
    ),
    "server-hangs": "The server did not answer in time. Raise `--timeout` if it needs longer to start.",
    "app-not-loaded": "The server started, and importing the app in it raised an exception.",
    "port-taken": "Another program listens on the port. Leave `--port` out to get a free one.",
    "port-forbidden": "This user may not listen on the port: those below 1024 belong to root.",
}
MEASURING = {
    "measurement": "The run was made and could not be measured.",
    "watcher": "The process that watches the target from outside did not start.",
    "interrupted": "Ctrl-C was pressed. What was measured until then is kept, and can be explained.",
    "report-unwritable": (
        "A file that a report was to go to cannot be written: its folder is missing or not yours, or a recording is in "
        "its place. Nothing half-written is left, and the recording is there all the same."
    ),
    "output-unwritable": "The report could not be written to standard output. The recording is there all the same.",
    "error": "Something went wrong that has no message of its own.",
    "bug": (
        "diag met something that it should have foreseen. Run the command again with `DIAG_DEBUG=1` (or `--debug`) "
        "and report the traceback that it prints."
    ),
}
RECORDINGS = {
    "recording": "A recording could not be read or written.",
    "recording-unreadable": "The file is missing, is not a file, or is not this user's to read.",
    "recording-empty": "The file is empty: its run was stopped at once, or has only just begun.",
    "recording-foreign": "The file is something else than a recording.",
    "recording-truncated": "The end of the file is missing: it was not copied whole, or the disk was full.",
    "recording-damaged": (
        "Something in the file is not as diag writes it. If the run was killed, a file with `-journal` at its end lay "
        "beside it: copy both."
    ),
    "recording-version": (
        "The recording's schema is of another version, written by the diag that the message names. Upgrade to that "
        "one or a newer one."
    ),
    "recording-locked": "Another program has the recording open for writing and does not let go.",
    "recording-exists": "The file that the recording was to go to is not a recording, and is never overwritten.",
    "recording-unwritable": "The recording cannot be written there: no such folder, no permission, or a full disk.",
}
FIXES = {
    "fix": "A fix could not be written.",
    "fix-changed": (
        "A file is not the text that was measured any more, so the fix may not fit it. Nothing was written. Run "
        "`diag fix TARGET` again, which measures it as it is now."
    ),
    "fix-unreadable": "A file that is to be fixed cannot be read.",
    "fix-unwritable": (
        "A file that is to be fixed cannot be written, or the folder it is in: a file is replaced whole, so diag needs "
        "to make one beside it. The file is as it was."
    ),
    "fix-unencodable": "The new text holds a letter that the file's own encoding does not have.",
    "fix-script": "Two runs of a script are not comparable, so remedies are only tried on workloads and apps.",
    "fix-untried": "The recording holds no trials of remedies; `diag fix TARGET` makes some.",
}
NOTES = {
    "server-setting": "How diag sets the server up otherwise than its user might expect; nothing is measured less well.",
    "remark": "What could not be found out about the target when it was imported.",
    "no-ptrace": (
        "The kernel does not let diag look into the target, so who held the GIL was not observed; lines and durations "
        "are as good as ever. It takes root, `CAP_SYS_PTRACE`, or the same user with `kernel.yama.ptrace_scope = 0`."
    ),
    "no-schedstat": (
        "The kernel does not tell how long threads waited for a CPU, so a starved machine cannot be told from code "
        "that waits."
    ),
    "py-spy-missing": "py-spy was not found beside diag, so who held the GIL was not observed.",
    "py-spy-version": "py-spy does not know this version of Python, so who held the GIL was not observed.",
    "script-serves": (
        "The script is a server. diag drives apps (`diag explain FILE.py:app`), and runs a script as it is: send it "
        "requests from another terminal meanwhile, or let the script send some itself."
    ),
    "script-timeout": "The script did not end by itself, so diag ended it as Ctrl-C does, after `--timeout`.",
    "signal-taken": "The target handles SIGURG itself, which diag uses to ask for stacks; py-spy gave them instead.",
    "spool-full": "There was no more room for what the target's processes saw; the rest of it is missing.",
    "no-port": "The server does not tell a WSGI app the client's port (granian), by which requests are joined to "
    "what threads did; so handlers were not judged one by one.",
    "tracer-taken": "The target set `greenlet.settrace` itself, by which diag times gevent's greenlets; those that ran "
    "in one pass of the hub were not told apart.",
    "too-many-lanes": "More threads took part than can be watched at once; some were not timed.",
    "no-signal": "Stacks had to be asked for by signal, and the loop runs outside the main thread, which alone gets it.",
    "unknown-layout": "Stacks of this version of Python cannot be read from memory; they were asked for by signal.",
    "watcher-ended": "The watcher, which asks for stacks, ended before the run did.",
    "unknown-loop": "An event loop of a type that diag does not know ran in the target and was not timed.",
}

SECTIONS = (
    ("What was typed", USAGE),
    ("Targets", TARGETS),
    ("Servers", SERVERS),
    ("Measuring", MEASURING),
    ("Recordings", RECORDINGS),
    ("Fixes", FIXES),
    ("Notes on data quality", NOTES),
)
