"""Looks up known vulnerabilities of the versions in constraints.txt, with pip-audit.

It fails on findings only. Where pip-audit or its database is missing, it says so in one sentence.
The result for the same constraints.txt counts for a day.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
SECONDS = 60
A_DAY = 24 * 60 * 60
PROBE = "requests==2.31.0"
"""A version with advisories: if they are not found, the database is not there."""


def pinned() -> str:
    """The lines of constraints.txt; PyTorch without the name of its local build."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if line and not line.startswith("#")) + "\n"


def vulnerabilities(requirements: str) -> list[str] | None:
    """ "name version: advisory, advisory" for each package with some; None without an answer."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requirements.txt"
        path.write_text(requirements, "utf-8")
        words = ["-m", "pip_audit", "-r", str(path), "--no-deps", "--disable-pip", "-f", "json"]
        try:
            done = subprocess.run(
                [sys.executable, *words, "--progress-spinner", "off", "--timeout", "5"],
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
            found = json.loads(done.stdout)["dependencies"]
        except (ValueError, KeyError, subprocess.TimeoutExpired):
            return None
    return [
        f"{one['name']} {one['version']}: {', '.join(vuln['id'] for vuln in one['vulns'])}"
        for one in found
        if one.get("vulns")
    ]


def main(memory: Path) -> int:
    """Prints findings, or why there was no answer.

    Args:
        memory: the file that keeps the last result.
    """
    digest = hashlib.sha256(pinned().encode()).hexdigest()
    is_recent = memory.is_file() and time.time() - memory.stat().st_mtime < A_DAY
    if is_recent and memory.read_text("utf-8") == digest:
        return 0
    found = vulnerabilities(pinned()) if vulnerabilities(PROBE) else None
    if found:
        print("constraints.txt has versions with known vulnerabilities:", *found, sep="\n  ")
        return 1
    if found is None:
        reason = "pip-audit or its database is not available here"
        print(f"Known vulnerabilities were not looked up: {reason}.")
    memory.write_text(digest, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
