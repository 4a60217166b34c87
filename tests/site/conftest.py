"""The built site, served on loopback, and a Chromium to read it with."""

import functools
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "book" / "_ext")]

from built_site import SITE  # noqa: E402  (found only now)

BUILD = "jupyter-book build . -W --keep-going"
CHROMIUM = (
    os.environ.get("CONVCOURSE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
)
# Without these Chromium itself calls home now and then, which has nothing to do with the page.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the tests look at what the page sees."""


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The address of the built site."""
    if not (SITE / "book" / "index.html").exists():
        pytest.fail(f"no site in {SITE}: build it with `{BUILD}`")
    handler = functools.partial(_Quiet, directory=str(SITE))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, or else the one that Playwright has installed."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@dataclass
class Visit:
    """A page and all that went over the wire, or wrong, while it was open."""

    page: Page
    site: str
    requests: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to `path` below the site and wait until nothing more is loaded."""
        self.page.goto(self.site + path, wait_until="load")  # on a busy machine the network is idle before
        self.page.wait_for_load_state("networkidle")
        return self.page

    def bodies(self) -> dict[str, bytes]:
        """What each address answered."""
        return {response.url: response.body() for response in self.responses}

    def check_quiet(self) -> None:
        """Nothing left the origin, failed, or was complained of."""
        outside = [url for url in self.requests if not url.startswith((self.site, "data:", "blob:"))]
        assert not outside, f"requests to another origin: {outside}"
        assert not self.failures, f"failed requests: {self.failures}"
        assert not self.console, f"console: {self.console}"


def _watch(context: BrowserContext, site: str) -> Visit:
    visit = Visit(context.new_page(), site)
    page = visit.page
    page.on("request", lambda request: visit.requests.append(request.url))
    page.on("requestfailed", lambda request: visit.failures.append(f"{request.url}: {request.failure}"))
    page.on("pageerror", lambda error: visit.console.append(str(error)))
    page.on(
        "console", lambda line: visit.console.append(line.text) if line.type in ("error", "warning") else None
    )

    def keep(response: Response) -> None:
        if response.status >= 400:
            visit.failures.append(f"{response.url}: {response.status}")
        elif response.status == 200:
            visit.responses.append(response)

    page.on("response", keep)
    return visit


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Visit]:
    """A fresh visit on a desktop screen."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    yield _watch(context, site)
    context.close()


@pytest.fixture
def new_visit(browser: Browser, site: str) -> Iterator:
    """A maker of visits with a browser context of the test's own wishes."""
    contexts = []

    def make(**wishes: object) -> Visit:
        contexts.append(browser.new_context(**wishes))
        return _watch(contexts[-1], site)

    yield make
    for context in contexts:
        context.close()
