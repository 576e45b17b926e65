"""Limits on CPU and memory for the target's processes, as a container would impose them.

    with confine("7f3a", cpus=1.0, memory_bytes=100 << 20) as box:
        subprocess.Popen(box.wrap(command))
        box.state()          # what was in force, how much was used, who was killed

A cgroup does it where one can be made, version 2 or 1; else affinity and rlimit come as near as they can, and
say what they cannot do. The generator, the watcher and diag itself stay outside. Standard library only: the
guard that cleans up after a killed diag uses it too.
"""

from __future__ import annotations

from diag.limits.cgroups import clear, members
from diag.limits.confinement import UNLIMITED, Confinement, check, confine

__all__ = ["UNLIMITED", "Confinement", "check", "clear", "confine", "members"]
