"""The OpenAPI document: what it promises holds for requests made up from it, good and bad."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.web.conftest import OPERATOR, newcomer

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 7
REPEATABLE: dict[str, Any] = {"deadline": None, "derandomize": True, "database": None}


@pytest.fixture(scope="module")
def document(site: str) -> Any:
    return schemathesis.openapi.from_url(f"{site}/api/v1/openapi.json")


@pytest.fixture(scope="module")
def person(site: str) -> Iterator[dict[str, str]]:
    with httpx.Client(base_url=site) as client:
        yield newcomer(client)


def attempt(operation: Any, mode: GenerationMode, secret: str) -> int:
    """Calls an operation with made-up requests; how many."""
    tried = 0

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), **REPEATABLE)
    def check(case: Any) -> None:
        nonlocal tried
        tried += 1
        case.call_and_validate(checks=CHECKS, headers={"Authorization": secret})

    check()
    return tried


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
def test_no_request_makes_the_server_fail_or_break_its_promises(
    document: Any, person: dict[str, str], mode: GenerationMode
) -> None:
    tried = 0
    for result in document.get_all_operations():
        operation = result.ok()
        can_be_wrong = operation.body or operation.query or operation.path_parameters
        if mode is GenerationMode.NEGATIVE and not can_be_wrong:
            continue
        if (operation.method.upper(), operation.path) == ("DELETE", "/api/v1/me"):
            continue  # the person is still needed
        secret = f"Bearer {OPERATOR}" if "/operator/" in operation.path else person["Authorization"]
        tried += attempt(operation, mode, secret)
    assert tried > 100


def test_no_address_and_no_bytes_make_the_server_fail(site: str) -> None:
    with httpx.Client(base_url=site, timeout=30) as client:

        @settings(max_examples=20, **REPEATABLE)
        @given(path=st.text(max_size=40), body=st.binary(max_size=60))
        def check(path: str, body: bytes) -> None:
            hard = quote(path, safe="/", errors="surrogatepass")
            for address in (f"/api/v1/films/{hard}", f"/api/v1/films?q={hard}", f"/x{hard}"):
                assert client.get(address).status_code < 500
            header = {"content-type": "application/json"}
            assert client.post("/api/v1/recommend", content=body, headers=header).status_code < 500

        check()


@pytest.mark.parametrize(
    "body",
    [
        '{"ratings": [{"item_id": "\\ud800", "stars": 3}]}',
        '{"ratings": [{"item_id": "\\u0000", "stars": 3}]}',
        '{"ratings": [{"item_id": 7, "stars": NaN}]}',
        '{"ratings": [{"item_id": 7, "stars": 1e999}]}',
        '{"ratings": [{"item_id": 99999999999999999999999999, "stars": 3}]}',
        '{"ratings": [{"item_id": true, "stars": 3}]}',
        '{"genre": ["\\ud800"]}',
        "[" * 5_000,
        "9" * 5_000,
        '{"k": 1e400}',
    ],
)
def test_what_looks_like_json_and_is_hard_does_not_make_the_server_fail(site: str, body: str) -> None:
    answer = httpx.post(f"{site}/api/v1/recommend", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (200, 400, 422)


def test_every_operation_is_described_with_its_problems(site: str) -> None:
    document = httpx.get(f"{site}/api/v1/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], (method, path)
            problems = [status for status in operation["responses"] if status.startswith(("4", "5"))]
            assert problems or path.startswith("/health"), (method, path)


@pytest.mark.parametrize(
    ("shape", "path"), [("RecommendRequest", "recommend"), ("PredictRequest", "predict"), ("ExplainRequest", "explain")]
)
def test_the_examples_of_the_document_are_good_requests(site: str, shape: str, path: str) -> None:
    example = httpx.get(f"{site}/api/v1/openapi.json").json()["components"]["schemas"][shape]["examples"][0]
    ids = iter(range(7, 100, 10))  # those of this model
    text = re.sub(r"(?<=item_id.: )\d+", lambda _: str(next(ids)), json.dumps(example))
    body = json.loads(text.replace("[3, 4]", "[47, 57]"))
    answer = httpx.post(f"{site}/api/v1/{path}", json=body)
    assert answer.status_code == 200, answer.text
