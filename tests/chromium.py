"""Debian's Chromium without a screen, driven by its ChromeDriver; it talks to this machine alone.

A click is over when the page behind it is there, pictures included. Screenshots go to a folder that git ignores;
`python -m tests.chromium` puts those that the README shows into docs, in fewer colours.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import pytest

SHOTS = Path(__file__).parent / "screenshots"
"""Where pictures of pages are kept, the last of each name."""
SHOWN = ("demo", "demo-without")
"""Pictures that the README shows."""
PATIENCE = 60
"""Seconds that a page may take."""
WIDTH = 960
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --disable-dev-shm-usage"
)


def missing(program: str, package: str) -> NoReturn:
    """Skip the test: its program is not installed."""
    pytest.skip(f"there is no {program} here: apt-get install {package}")


def program(name: str, package: str) -> str:
    """The path of a program of a Debian package."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    return found or missing(name, package)


class Browser:
    """A browser with one window."""

    def __init__(self, profile: str) -> None:
        from selenium.webdriver import Chrome, ChromeOptions
        from selenium.webdriver.chrome.service import Service

        options = ChromeOptions()
        options.binary_location = program("chromium", "chromium")
        for flag in (*FLAGS.split(), f"--user-data-dir={profile}", f"--window-size={WIDTH},900"):
            options.add_argument(flag)
        self.driver = Chrome(options=options, service=Service(program("chromedriver", "chromium-driver")))
        self.driver.set_page_load_timeout(PATIENCE)

    def open(self, address: str) -> None:
        """Show a page."""
        self.driver.get(address)

    def click(self, selector: str) -> None:
        """Click, and wait for the page behind it."""
        self.driver.execute_script("window.before = true")
        self.driver.find_element("css selector", selector).click()
        self._wait("return document.readyState === 'complete' && !window.before")

    def type(self, selector: str, text: str) -> None:
        """Put text into a field."""
        field = self.driver.find_element("css selector", selector)
        field.clear()
        field.send_keys(text)

    def attribute(self, selector: str, name: str) -> str:
        """An attribute of an element."""
        return str(self.driver.find_element("css selector", selector).get_attribute(name))

    def count(self, script: str) -> int:
        """A number that a script finds in the page."""
        return int(self.driver.execute_script(f"return {script}"))

    def shot(self, name: str) -> Path:
        """A picture of the whole page."""
        SHOTS.mkdir(exist_ok=True)
        self.driver.set_window_size(WIDTH, self.count("document.body.scrollHeight") + 160)
        self.driver.save_screenshot(str(SHOTS / f"{name}.png"))
        self.driver.set_window_size(WIDTH, 900)
        return SHOTS / f"{name}.png"

    def _wait(self, script: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.driver.execute_script(script):
            assert time.monotonic() < deadline, f"the page did not come: {self.driver.current_url}"


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser with a new profile, closed at the end."""
    with TemporaryDirectory(prefix="tc-chromium-", ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            yield browser
        finally:
            browser.driver.quit()


def main() -> None:
    """Put what the README shows into docs; make them first by running `tests/test_browser.py`."""
    from PIL import Image

    for name in SHOWN:
        with Image.open(SHOTS / f"{name}.png") as picture:
            few = picture.convert("RGB").quantize(64, dither=Image.Dither.NONE)
            few.save(Path(__file__).parent.parent / "docs" / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
