"""Where the interpreter's state lies in a process: the addresses of `_PyRuntime`.

A thread that waits for the GIL sleeps in a futex on a condition variable inside `_PyRuntime` (CPython 3.11
keeps the GIL in `_PyRuntime.ceval.gil`, 3.12 and later in the main interpreter's state, which is part of
it). `threading.Lock` and friends sleep on memory of their own. So the address that a thread sleeps on tells
a wait for the GIL from any other wait, without reading the process' memory.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

_ELF64_LITTLE = b"\x7fELF\x02\x01"
_SHT_DYNSYM = 11
_UNDEFINED = 0
_PT_LOAD = 1
_SYMBOL = b"_PyRuntime"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRange:
    """Addresses from `start` up to, not including, `end`."""

    start: int
    end: int

    def __contains__(self, address: int) -> bool:
        return self.start <= address < self.end


def find_runtime(pid: int) -> AddressRange | None:
    """Addresses of `_PyRuntime` in a running process; None where they cannot be told.

    Args:
        pid: a CPython process; its `/proc/PID/maps` must be readable.
    """
    try:
        maps = Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return None
    for path, bases in _mapped_files(maps).items():
        symbol = _symbol_in(path)
        if symbol is not None:
            address, size, first_segment = symbol
            start = min(bases) - first_segment + address
            return AddressRange(start=start, end=start + size)
    return None


def _mapped_files(maps: str) -> dict[str, list[int]]:
    """Start addresses by file, of what looks like the interpreter or its library."""
    found: dict[str, list[int]] = {}
    for line in maps.splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and "python" in fields[5].rpartition("/")[2]:
            found.setdefault(fields[5], []).append(int(fields[0].partition("-")[0], 16))
    return found


def _symbol_in(path: str) -> tuple[int, int, int] | None:
    """Value and size of `_PyRuntime` in an ELF file's dynamic symbols, and its lowest load address."""
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
            return _find_symbol(image)
    except (OSError, ValueError, struct.error):
        return None


def _find_symbol(image: mmap.mmap) -> tuple[int, int, int] | None:
    if image[:6] != _ELF64_LITTLE:
        return None
    program_offset, section_offset = struct.unpack_from("<QQ", image, 32)
    program_size, program_count, section_size, section_count = struct.unpack_from("<HHHH", image, 54)
    loads = [
        struct.unpack_from("<Q", image, at + 16)[0]
        for at in range(program_offset, program_offset + program_size * program_count, program_size)
        if struct.unpack_from("<I", image, at)[0] == _PT_LOAD
    ]
    sections = [
        struct.unpack_from("<IIQQQQIIQQ", image, section_offset + index * section_size)
        for index in range(section_count)
    ]
    for section in sections:
        if section[1] != _SHT_DYNSYM:
            continue
        strings = sections[section[6]]
        names = image[strings[4] : strings[4] + strings[5]]
        name_at = names.find(b"\0" + _SYMBOL + b"\0") + 1
        if not name_at:
            return None
        for at in range(section[4], section[4] + section[5], 24):
            name, _info, _other, index, value, size = struct.unpack_from("<IBBHQQ", image, at)
            if name == name_at and index != _UNDEFINED:  # extension modules only refer to it
                return value, size, min(loads)
    return None
