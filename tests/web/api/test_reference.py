"""The API reference: pages in a browser, and examples that work."""

from typing import Any

import httpx
import pytest

from matinee.web.http.security import content_security_policy
from tests.web.conftest import OPERATOR


def test_the_document_is_at_both_addresses(web: httpx.Client) -> None:
    document = web.get("/openapi.json").json()
    assert document == web.get("/api/v1/openapi.json").json()
    assert "/docs" not in document["paths"]


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_a_page_loads_its_scripts_from_this_server(web: httpx.Client, path: str) -> None:
    page = web.get(path)
    assert page.status_code == 200
    policy = page.headers.get_list("content-security-policy")
    assert len(policy) == 1
    nonce = policy[0].partition("'nonce-")[2].partition("'")[0]
    assert policy[0] == content_security_policy(f"'self' 'nonce-{nonce}'")
    assert web.get(path).headers["content-security-policy"] != policy[0]
    assert "://" not in page.text
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "redoc.standalone.js"):
        assert web.get(f"/docs/assets/{name}").status_code == 200
    assert web.get("/docs/assets/none.js").json()["status"] == 404


def operations(document: Any) -> list[tuple[str, str, Any]]:
    return [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_each_body_has_a_whole_example_that_is_accepted(web: httpx.Client) -> None:
    document = web.get("/openapi.json").json()
    token = web.post("/api/v1/people").json()["token"]
    headers = {"authorization": f"Bearer {token}"}
    group = web.post("/api/v1/me/groups", json={"name": "Ada"}, headers=headers).json()["id"]
    n_tried = 0
    for method, path, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            continue
        name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
        example = document["components"]["schemas"][name]["examples"][0]
        body = _with_known_ids(example)
        address = path.replace("{item_id}", "7").replace("{key}", group)
        secret = OPERATOR if "/operator/" in path else token
        headers = {"authorization": f"Bearer {secret}"}
        done = web.request(method, address, json=body, headers=headers)
        if path.endswith("/trainings"):  # this server has no data to train on
            assert done.json()["type"] == "urn:matinee:no-training-data"
            continue
        assert done.is_success, (path, done.text)
        n_tried += 1
    assert n_tried >= 6


def _with_known_ids(example: Any) -> Any:
    """The example with films of the test's model, whose ids are 7, 17, 27, ..."""
    if isinstance(example, dict):
        return {
            name: 10 * value - 3 if name == "item_id" else _with_known_ids(value)
            for name, value in example.items()
            if name != "item_ids"
        } | (
            {"item_ids": [10 * one - 3 for one in example["item_ids"]]}
            if "item_ids" in example
            else {}
        )
    return [_with_known_ids(one) for one in example] if isinstance(example, list) else example
