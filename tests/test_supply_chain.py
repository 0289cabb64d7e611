"""What matinee is installed with: no lower bound allows a known vulnerability, and every pinned file has its hash."""

import importlib.util
import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import matinee

ROOT = Path(matinee.__file__).parent.parent

#: Package -> the first version without a known vulnerability, and the advisory on the version before it.
SAFE = {
    "h11": ("0.16.0", "GHSA-vqfr-h8mv-ghfj"),  # chunked bodies that end in another way than said
    "jinja2": ("3.1.6", "GHSA-cpwx-vrp4-4pq7"),  # a way out of the sandbox
    "orjson": ("3.11.6", "GHSA-hx9q-6w63-j58v"),  # deeply nested documents
    "python-multipart": ("0.0.31", "GHSA-v9pg-7xvm-68hf"),  # negative lengths, and earlier ones
    "requests": ("2.33.0", "GHSA-gc5v-m9x4-r6x2"),  # a predictable temporary file
    "starlette": ("1.3.1", "GHSA-82w8-qh3p-5jfq"),  # forms without limits, and earlier ones
    "torch": ("2.10.0", "CVE-2026-24747"),  # torch.load, which matinee does not call
    "tqdm": ("4.66.3", "GHSA-g7vv-2v7x-gj9p"),  # options of its command line
    "urllib3": ("2.7.0", "CVE-2026-44432"),  # answers that unpack without a limit
}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> dict[str, list[Requirement]]:
    """The requirements of the package and of all its extras, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found: dict[str, list[Requirement]] = {}
    for texts in [project["dependencies"], *project["optional-dependencies"].values()]:
        for requirement in map(Requirement, texts):
            found.setdefault(plain(requirement.name), []).append(requirement)
    return found


def pins(text: str) -> dict[str, str]:
    return {
        plain(name): version
        for name, version in re.findall(r"^([\w.-]+)==([^\s\\]+)", text, re.MULTILINE)
    }


PINS = pins((ROOT / "constraints.txt").read_text("utf-8"))


@pytest.mark.parametrize("name", SAFE)
def test_no_lower_bound_allows_a_version_with_a_known_vulnerability(name: str) -> None:
    first, advisory = SAFE[name]
    for requirement in declared()[name]:
        bounds = [part.version for part in requirement.specifier if part.operator == ">="]
        assert [Version(bound) >= Version(first) for bound in bounds] == [True], advisory
    assert Version(PINS[name]) >= Version(first)


def test_the_pinned_versions_are_those_that_the_ranges_allow() -> None:
    requirements = declared()
    for name in requirements.keys() - {"matinee", "build", "cyclonedx-bom", "pip-audit", "uv"}:
        assert all(PINS[name] in requirement.specifier for requirement in requirements[name]), name


def test_every_pinned_version_but_that_of_torch_has_hashes() -> None:
    text = (ROOT / "constraints-hashed.txt").read_text("utf-8")
    assert pins(text) == {name: PINS[name] for name in PINS if name != "torch"}
    for block in re.split(r"\n(?=\S)", text.strip())[1:]:
        assert re.fullmatch(r"\S+==\S+( \\\n    --hash=sha256:[0-9a-f]{64})+", block), block[:60]
    assert "//" not in text  # no address of a server


# -- the look-up of known vulnerabilities --------------------------------------------------


@pytest.fixture
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answering(*answers: list[str] | None) -> Callable[[str], Any]:
    queue = iter(answers)
    return lambda _: next(queue)


def test_findings_fail_and_are_looked_up_again(
    audit: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        audit, "vulnerabilities", answering(["requests 2.31.0: X-1"], ["polars 2.1.0: X-2"])
    )
    assert audit.main(tmp_path / "memory") == 1
    assert capsys.readouterr().out.endswith("known vulnerabilities:\n  polars 2.1.0: X-2\n")
    monkeypatch.setattr(audit, "vulnerabilities", answering(["requests 2.31.0: X-1"], []))
    assert audit.main(tmp_path / "memory") == 0
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(
        audit, "vulnerabilities", answering()
    )  # the result of the same versions counts for a day
    assert audit.main(tmp_path / "memory") == 0
    os.utime(tmp_path / "memory", (1, 1))
    monkeypatch.setattr(
        audit, "vulnerabilities", answering(["requests 2.31.0: X-1"], ["polars 2.1.0: X-2"])
    )
    assert audit.main(tmp_path / "memory") == 1


@pytest.mark.parametrize("answers", [[None], [[]], [["requests 2.31.0: X-1"], None]])
def test_without_the_database_there_is_one_sentence_and_no_failure(
    answers: list[list[str] | None],
    audit: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audit, "vulnerabilities", answering(*answers))
    assert audit.main(tmp_path / "memory") == 0
    assert capsys.readouterr().out == (
        "Known vulnerabilities were not looked up: pip-audit or its database is not available here.\n"
    )


def test_answers_of_pip_audit_are_read(audit: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    class Done:
        stdout = (
            '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X"}, {"id": "Y"}]},'
            ' {"name": "b", "version": "2", "vulns": []}, {"name": "c", "skip_reason": "unknown"}]}'
        )

    monkeypatch.setattr(audit.subprocess, "run", lambda *_, **__: Done)
    assert audit.vulnerabilities("a==1\n") == ["a 1: X, Y"]
    monkeypatch.setattr(Done, "stdout", "")
    assert audit.vulnerabilities("a==1\n") is None
    assert "torch==" in audit.pinned()
    assert "#" not in audit.pinned()
