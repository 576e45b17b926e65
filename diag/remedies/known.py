"""Calls known by name: those that hold a thread, and those that are never worth moving."""

from __future__ import annotations

# Names through the file's imports; one that begins with a dot fits any receiver, one that ends with a dot
# everything below it.
_BLOCKING = (
    "time.sleep", "requests.", "httpx.get", "httpx.post", "httpx.put", "httpx.patch", "httpx.delete",
    "httpx.head", "httpx.options", "httpx.request", "httpx.stream", "urllib.request.urlopen",
    "urllib.request.urlretrieve", "urllib3.", "subprocess.", "os.system", "os.popen", "os.wait",
    "os.waitpid", "socket.getaddrinfo", "socket.gethostby", "socket.getfqdn", "socket.create_connection",
    "socket.getnameinfo", "shutil.", "open", "io.open", "os.read", "os.write", "os.fsync", "os.preadv",
    "os.pread", "os.pwrite", "input", "smtplib.", "ftplib.", "paramiko.", "boto3.", "psycopg2.", "pymysql.",
    "MySQLdb.", "redis.", "pymongo.", ".recv", ".recvfrom", ".recv_into", ".sendall", ".accept",
    ".communicate", ".execute", ".executemany", ".executescript", ".fetchall", ".fetchone", ".fetchmany",
    ".commit", ".acquire", ".result", ".read_text", ".read_bytes", ".write_text", ".write_bytes",
    ".readlines", ".getresponse", ".wait", "json.dumps", "json.dump", "json.loads", "json.load", "pickle.",
    "hashlib.", "zlib.", "gzip.", "bz2.", "lzma.", "re.match", "re.search", "re.sub", "re.findall",
    "re.fullmatch", ".match", ".fullmatch", ".findall", "bcrypt.", "numpy.", "pandas.", "PIL.", "cv2.",
    "yaml.", "csv.", "sum", "sorted", "sqlite3.connect", ".verify", ".hashpw", ".checkpw",
)  # fmt: skip

_TRIVIAL = frozenset(
    {
        "abs", "bool", "bytes", "callable", "chr", "dict", "divmod", "enumerate", "float", "format",
        "frozenset", "getattr", "hasattr", "hash", "hex", "id", "int", "isinstance", "issubclass", "iter",
        "len", "list", "map", "next", "ord", "print", "range", "repr", "reversed", "round", "set", "setattr",
        "slice", "str", "super", "tuple", "type", "vars", "zip", "time.time", "time.monotonic",
        "time.perf_counter", "asyncio.get_event_loop", "asyncio.get_running_loop", ".encode", ".decode",
        ".format", ".join", ".strip", ".split", ".lower", ".upper", ".get", ".items", ".keys", ".values",
        ".append", ".hexdigest", ".digest", ".hex", ".isoformat", ".startswith", ".endswith", "JSONResponse",
        "HTTPException", "Response",
    }
)  # fmt: skip


def is_blocking(name: str) -> bool:
    """Whether a resolved name is that of a call that can hold a thread for long.

    Args:
        name: as `diag.remedies.text.Source.resolved` gives it.
    """
    return any(_fits(name, known) for known in _BLOCKING)


def is_trivial(name: str) -> bool:
    """Whether a call of this name is quick whatever it is given: a builtin, or what wraps a result."""
    last = name.rpartition(".")[2]
    return name in _TRIVIAL or f".{last}" in _TRIVIAL or last in _TRIVIAL or last[:1].isupper()


def fits(name: str, *known: str) -> bool:
    """Whether a resolved name is one of some names."""
    return any(_fits(name, one) for one in known)


def _fits(name: str, known: str) -> bool:
    if known.startswith("."):
        return name.endswith(known)
    if known.endswith(".") or known == "socket.gethostby":
        return name.startswith(known)
    return name == known
