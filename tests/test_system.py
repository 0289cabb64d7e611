"""The memory that a process has held, and what it can still get under the limits it was given."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from matinee import system
from matinee.system import (
    POLARS_SPACE,
    _left_of_cgroups,
    free_memory,
    memory_shortage,
    peak_memory_mb,
)

GB = 2**30


def test_peak_memory_is_in_megabytes() -> None:
    before = peak_memory_mb()
    assert 20 < before < 20_000
    held = np.ones(80_000_000, np.uint8)
    assert held.sum() > 0
    assert peak_memory_mb() >= before


def test_a_process_cannot_get_more_than_the_machine_has() -> None:
    assert 0 < free_memory() <= psutil.virtual_memory().total


def test_the_limit_of_the_address_space_counts() -> None:
    code = (
        "import resource\n"
        "from matinee.system import free_memory\n"
        "assert free_memory() > 300 * 2**20\n"
        "resource.setrlimit(resource.RLIMIT_AS, (300 * 2**20, resource.RLIM_INFINITY))\n"
        "print(free_memory() / 2**20)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0 < float(done.stdout) < 295  # the interpreter itself takes some


def group(folder: Path, limit: str, usage: str, cache: int, version: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = ("memory.max", "memory.current", "")
    if version == 1:
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{usage}\n")
    files = "".join(f"{names[2]}{kind}_file {cache // 2}\n" for kind in ("inactive", "active"))
    (folder / "memory.stat").write_text(f"anon 5\n{files}")


@pytest.mark.parametrize("version", [1, 2])
def test_the_limits_of_a_control_group_and_of_those_above_count(
    version: int, tmp_path: Path
) -> None:
    line = {1: "4:cpu,memory:/a/b\n3:cpuset:/", 2: "0::/a/b"}[version]
    (tmp_path / "cgroup").write_text(f"{line}\n")
    root = tmp_path / "memory" if version == 1 else tmp_path
    group(root / "a" / "b", str(8 * GB), str(6 * GB), GB, version)
    group(root / "a", str(7 * GB), str(6 * GB), 0, version)
    assert list(_left_of_cgroups(tmp_path, tmp_path)) == [3 * GB, GB]


def test_a_container_that_shows_the_path_of_its_host_has_its_limit_at_the_mount(
    tmp_path: Path,
) -> None:
    (tmp_path / "cgroup").write_text("4:memory:/docker/0a1b\n")
    group(tmp_path / "memory", str(2 * GB), str(GB), 0, 1)
    assert list(_left_of_cgroups(tmp_path, tmp_path)) == [GB]


def test_a_group_without_a_limit_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text("0::/a\n")
    group(tmp_path / "a", "max", str(GB), 0, 2)
    assert list(_left_of_cgroups(tmp_path, tmp_path)) == []
    assert list(_left_of_cgroups(tmp_path / "nothing", tmp_path)) == []


def test_too_little_memory_or_address_space_is_told_before_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(system, "_left_of_cgroups", lambda: iter([2 * 10**9]))
    monkeypatch.setattr(system, "address_space_limit", lambda: 0)
    assert memory_shortage(1e9, 1e15) == ""
    assert memory_shortage(3e9, 0) == "3.00 GB of memory, and 2.00 GB are free"
    monkeypatch.setattr(system, "address_space_limit", lambda: 10**15)
    assert memory_shortage(1e9, 1e14) == ""
    told = "1000000.00 GB are allowed (ulimit -v)"
    assert memory_shortage(1e9, 1e16).endswith(f" of address space, and {told}")
    monkeypatch.setattr(system, "address_space_limit", lambda: POLARS_SPACE - 1)
    assert memory_shortage(0, 0).endswith(
        " GB of address space, and 1.45 GB are allowed (ulimit -v)"
    )
