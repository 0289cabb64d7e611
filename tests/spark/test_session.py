"""Without PySpark or Java there is one sentence, and nothing else of matinee needs them."""

import subprocess
import sys
from pathlib import Path

import pytest

from matinee.errors import EngineError
from matinee.spark.session import NO_JAVA, NO_PYSPARK, check_installed
from tests.helpers import error_message, refused

ROOT = Path(__file__).parents[2]


def test_without_java_a_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("pyspark")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    assert error_message(EngineError, check_installed) == NO_JAVA
    assert "apt-get install openjdk-17-jre-headless" in NO_JAVA
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert error_message(EngineError, check_installed) == NO_JAVA
    (tmp_path / "r.csv").write_text("user,item,rating\n1,2,3\n")
    words = ("train", tmp_path / "r.csv", "--engine", "spark", "--out", tmp_path / "m.matinee")
    assert refused(*words) == NO_JAVA


def test_without_pyspark_a_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    monkeypatch.setitem(sys.modules, "pyspark", None)
    assert error_message(EngineError, check_installed) == NO_PYSPARK
    assert "pip install 'matinee[spark]'" in NO_PYSPARK


def test_nothing_else_imports_pyspark() -> None:
    for path in (ROOT / "matinee").rglob("*.py"):
        if path.parent.name != "spark":
            text = path.read_text("utf-8").replace("pip install", "")
            if path.stem == "doctor":  # it names the packages of all extras
                text = text.replace('"spark": ("pyspark",)', "")
            assert "pyspark" not in text, path
    code = "import sys, matinee.cli, matinee.models; assert 'pyspark' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
