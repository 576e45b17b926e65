"""Limits this process, and becomes the command: `python -I -S enter.py FILES CORES BYTES COMMAND…`.

FILES are ``cgroup.procs`` files to join, CORES numbers of cores, both with colons between, BYTES of private
memory; an empty text leaves one out. Its pid stays what it was, so that whoever started it may wait for it.
"""

from __future__ import annotations

import os
import resource
import sys


def main(files: str, cores: str, octets: str, *command: str) -> None:
    """Join, and become the command; an error ends it with a message and status 1."""
    if cores:
        os.sched_setaffinity(0, map(int, cores.split(":")))
    if octets:
        resource.setrlimit(resource.RLIMIT_DATA, (int(octets), int(octets)))
    for path in filter(None, files.split(":")):
        with open(path, "w", encoding="ascii") as file:
            file.write("0")  # the process that writes
    os.execv(command[0], command)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.exit(f"diag could not limit the target: {error}")
