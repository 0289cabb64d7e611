"""The OpenAPI document: the server keeps to it for generated requests, valid and invalid."""

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

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 7
REPEATABLE: dict[str, Any] = {"deadline": None, "derandomize": True, "database": None}


@pytest.fixture(scope="module")
def document(site: str) -> Any:
    return schemathesis.openapi.from_url(f"{site}/api/v1/openapi.json")


@pytest.fixture(scope="module")
def person(site: str) -> Iterator[dict[str, str]]:
    with httpx.Client(base_url=site) as client:
        yield newcomer(client)


def check_operation(operation: Any, mode: GenerationMode, secret: str) -> int:
    """Calls an operation with generated requests; returns their number."""
    n_requests = 0

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), **REPEATABLE)
    def check(case: Any) -> None:
        nonlocal n_requests
        n_requests += 1
        case.call_and_validate(checks=CHECKS, headers={"Authorization": secret})

    check()
    return n_requests


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
def test_responses_to_generated_requests_conform_to_the_document(
    document: Any, person: dict[str, str], mode: GenerationMode
) -> None:
    n_requests = 0
    for result in document.get_all_operations():
        operation = result.ok()
        can_be_invalid = operation.body or operation.query or operation.path_parameters
        if mode is GenerationMode.NEGATIVE and not can_be_invalid:
            continue
        if (operation.method.upper(), operation.path) == ("DELETE", "/api/v1/me"):
            continue  # the other requests need the person
        secret = f"Bearer {OPERATOR}" if "/operator/" in operation.path else person["Authorization"]
        n_requests += check_operation(operation, mode, secret)
    assert n_requests > 100


def test_arbitrary_addresses_and_bodies_do_not_make_the_server_fail(site: str) -> None:
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
def test_unusual_json_does_not_make_the_server_fail(site: str, body: str) -> None:
    answer = httpx.post(
        f"{site}/api/v1/recommend", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code in (200, 400, 422)


def test_every_operation_has_a_description_and_problem_responses(site: str) -> None:
    document = httpx.get(f"{site}/api/v1/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], (method, path)
            problems = [
                status for status in operation["responses"] if status.startswith(("4", "5"))
            ]
            assert problems or path.startswith("/health"), (method, path)


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("RecommendRequest", "recommend"),
        ("PredictRequest", "predict"),
        ("ExplainRequest", "explain"),
    ],
)
def test_the_examples_are_valid_requests(site: str, schema: str, path: str) -> None:
    example = httpx.get(f"{site}/api/v1/openapi.json").json()["components"]["schemas"][schema][
        "examples"
    ][0]
    ids = iter(range(7, 100, 10))  # ids that the model knows
    text = re.sub(r"(?<=item_id.: )\d+", lambda _: str(next(ids)), json.dumps(example))
    body = json.loads(text.replace("[3, 4]", "[47, 57]"))
    answer = httpx.post(f"{site}/api/v1/{path}", json=body)
    assert answer.status_code == 200, answer.text
