"""The memory of this process: the most it has held, and how much it can still get."""

import sys
from collections.abc import Iterator
from pathlib import Path

_PROCESS = Path("/proc/self")
_CGROUPS = Path("/sys/fs/cgroup")


def peak_memory_mb() -> float:
    """The largest resident set size of this process so far, in MB (2^20 bytes)."""
    if sys.platform == "win32":
        import psutil

        return float(psutil.Process().memory_info().peak_wset / 2**20)
    status = _text(_PROCESS / "status")
    for line in status.splitlines():
        # Not ru_maxrss, which on Linux starts at what the parent process held.
        if line.startswith("VmHWM:"):
            return float(line.split()[1]) / 2**10
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if sys.platform == "darwin":
        return peak / 2**20
    return peak / 2**10


POLARS_SPACE = 1_450_000_000
"""Address space of a process once Polars has started its threads, however small the table."""


def memory_shortage(needed: float, space: float, start: int = POLARS_SPACE) -> str:
    """Why the memory will not be enough, as part of a sentence after "needs about"; else empty.

    To be asked before a compiled library asks for the memory: some end the process if they do
    not get it.

    Args:
        needed: bytes of memory.
        space: bytes of address space, which count where `ulimit -v` limits it.
        start: bytes of address space that the process takes in any case.
    """
    free = _free_outside_the_address_space()
    if needed > free:
        return f"{needed / 1e9:.2f} GB of memory, and {free / 1e9:.2f} GB are free"
    limit = address_space_limit()
    if limit:
        import psutil

        total = max(start, int(psutil.Process().memory_info().vms)) + space
        if total > limit:
            allowed = f"{limit / 1e9:.2f} GB are allowed (ulimit -v)"
            return f"{total / 1e9:.2f} GB of address space, and {allowed}"
    return ""


def free_memory() -> int:
    """Bytes that this process can still allocate without swapping or reaching a limit, at least 0.

    The smallest of: what the system has available, what is left of the limit on the address
    space (`ulimit -v`), and what is left of the memory limits of the control groups that the
    process is in, as in a container.
    """
    return max(0, min([_free_outside_the_address_space(), *_left_of_address_space()]))


def _free_outside_the_address_space() -> int:
    import psutil

    return max(0, min([int(psutil.virtual_memory().available), *_left_of_cgroups()]))


def _left_of_address_space() -> Iterator[int]:
    limit = address_space_limit()
    if limit:
        import psutil

        yield limit - int(psutil.Process().memory_info().vms)


def address_space_limit() -> int:
    """In bytes, as `ulimit -v` sets it; 0 without a limit, and where there is no such thing."""
    if sys.platform == "win32":
        return 0
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return 0 if limit == resource.RLIM_INFINITY else limit


def _left_of_cgroups(process: Path = _PROCESS, mounts: Path = _CGROUPS) -> Iterator[int]:
    """What is left below each limit of a control group, of version 1 or 2, and of the groups above.

    Args:
        process: the folder of the process in /proc.
        mounts: where control groups are mounted.
    """
    for line in _text(process / "cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _left_in(mounts, path, "memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            names = "memory.limit_in_bytes", "memory.usage_in_bytes"
            yield from _left_in(mounts / "memory", path, *names, "total_")


def _left_in(mount: Path, path: str, limit: str, usage: str, prefix: str = "") -> Iterator[int]:
    """The limit less the usage, for a group and all groups above it that have both.

    Files that the kernel caches count as free, as in the memory that it calls available: it drops
    them before it refuses any. A ratings folder may fill all the rest with them. Within a
    container the path may be that of the host, which does not exist there; the group of the
    container is then the mount itself.

    Args:
        prefix: of the names in memory.stat that count the groups below as well.
    """
    folder = mount / path.lstrip("/")
    while True:
        ends = [_text(folder / name).strip() for name in (limit, usage)]
        if all(text.isdigit() for text in ends):  # no limit is the word "max"
            cached = (
                _statistic(folder / "memory.stat", f"{prefix}{kind}_file")
                for kind in ("active", "inactive")
            )
            yield int(ends[0]) - int(ends[1]) + sum(cached)
        if folder == mount:
            return
        folder = folder.parent


def _statistic(path: Path, name: str) -> int:
    for line in _text(path).splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0


def _text(path: Path) -> str:
    """The text of a file of the kernel; empty if there is none or it must not be read."""
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""
