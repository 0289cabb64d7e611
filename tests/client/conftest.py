"""The server is that of the tests of the web."""

from tests.web import conftest as shared

model_file, site = shared.model_file, shared.site
