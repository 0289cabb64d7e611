"""`matinee demo --serve`: the demo as a server."""

import re
import subprocess
import sys
from pathlib import Path

import httpx

from tests.web.conftest import wait_for_answer


def test_the_demo_serves_an_existing_model_and_prints_its_address(
    model_file: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "demo.matinee"
    copy.write_bytes(model_file.read_bytes())
    options = ["--serve", "--port", "0", "--out", str(copy)]
    command = [sys.executable, "-m", "matinee", "demo", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            found = re.fullmatch(
                r"Open (http://127\.0\.0\.1:\d+) in a browser [^.]*\. Press Ctrl\+C to stop\.\n",
                line,
            )
            assert found, line
            wait_for_answer(found[1])
            for path in (
                "/",
                "/for-you",
                "/films/7",
                "/search?q=film",
                "/you",
                "/together",
                "/map",
            ):
                assert "Sample data: simulated ratings." in httpx.get(f"{found[1]}{path}").text
            assert "Which of these have you seen?" in httpx.get(found[1]).text
        finally:
            process.terminate()
        assert process.stdout.read() == ""
    assert (tmp_path / "demo.db").exists()
