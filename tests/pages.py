"""What looks at pages: their elements, and a browser, which `make test` sees to (.ci/tools)."""

import os
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

HOSTILE = [
    "<script>document.title = 'pwned'</script>",
    '"><img src=x onerror="document.title=\'pwned\'">',
    "</title></svg></style><iframe src='https://example.org'></iframe>",
    "'; --><!-- &lt;b&gt; \u202e\x00\x1b[31m",
]


class Elements(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        assert "QUORATE_BROWSER" not in os.environ, "no chromium: .ci/tools installs it"
        pytest.skip("no chromium: .ci/tools installs it")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
