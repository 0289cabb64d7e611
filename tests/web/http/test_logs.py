"""Structured logs."""

import json

import pytest

from matinee.web.http.logs import log, log_bug


def test_a_log_entry_is_one_json_object_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    log("ready", models=["films"], detail="two\nlines")
    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert entry.pop("time").endswith("+00:00")
    assert entry == {"event": "ready", "models": ["films"], "detail": "two\nlines"}


def test_a_bug_is_logged_with_its_traceback_but_without_its_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        int("secret")
    except ValueError as error:
        log_bug("id", "/rate", error)
    text = capsys.readouterr().err
    entry = json.loads(text)
    assert (entry["event"], entry["request_id"], entry["route"]) == ("bug", "id", "/rate")
    assert entry["error"] == "ValueError"
    assert "test_logs.py" in entry["traceback"][-1]
    assert "secret" not in text
