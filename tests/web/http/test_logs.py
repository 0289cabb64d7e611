"""Structured logs."""

import json

import pytest

from matinee.web.http import logs
from matinee.web.http.logs import log, log_bug, log_seldom


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


def test_an_event_that_occurs_all_the_time_is_logged_now_and_then_with_its_number(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "SELDOM_SECONDS", 60.0)
    for _ in range(5):
        log_seldom("database failed", "one cause", detail="x")
    log_seldom("database failed", "another cause", detail="y")
    monkeypatch.setattr(logs, "SELDOM_SECONDS", 0.0)
    log_seldom("database failed", "one cause", detail="x")
    entries = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(one["detail"], one.get("left_out")) for one in entries] == [
        ("x", None), ("y", None), ("x", 4),
    ]  # fmt: skip
