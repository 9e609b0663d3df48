"""A real console with the real sample estate, and a real browser in front of it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.chrome.service import Service as ChromeService
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

ROOT = Path(__file__).parents[2]
PASSWORD = "correct-horse-battery"
CHROMIUM_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update --hide-scrollbars"
)
FIRST_VISIBLE = """
return [...document.querySelectorAll(arguments[0])].find(element => element.checkVisibility());
"""


class Console:
    """`manage.py up` in a folder of its own, on a port of the system's choice."""

    def __init__(self, folder: Path, estate: str) -> None:
        self.folder = folder
        self.estate = estate
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "up.log"
        self.environment = os.environ | {
            "AIOPS_DATA_DIR": str(folder / "var"),
            "AIOPS_PORT": str(self.port),
            "ESTATE": estate,
        }

    def start(self) -> None:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(lambda: "Console:" in self.output(), seconds=60)
        if self.estate == "sample":
            wait_until(lambda: "yes" in self.manage("estate", "status"), seconds=30)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=15)

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(  # noqa: S603
            command,
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout

    def make_person(self, name: str) -> None:
        self.environment["PASSWORD"] = PASSWORD
        self.manage("create_admin", "--username", name, "--password-env", "PASSWORD")

    def wait_for_incident(self, service: str) -> None:
        """Until a plan for an incident of the service waits for a decision."""
        arguments = (
            "create_token",
            "--user",
            "eve",
            "--name",
            f"wait-{time.monotonic()}",
            "--json",
        )
        token = json.loads(self.manage(*arguments))["token"]
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self.url}/api/v1/remediations/?status=proposed"

        def has_plan() -> bool:
            return service in httpx.get(url, headers=headers).text

        wait_until(has_plan, seconds=40)

    def setup_path(self) -> str:
        found = re.search(r"/setup/\S+", self.output())
        assert found, self.output()
        return found.group()

    def csp_reports(self) -> float:
        """How many violations browsers have reported."""
        text = httpx.get(f"{self.url}/metrics").text
        return float(re.search(r"^console_csp_reports_total (\S+)", text, re.M)[1])


class Browser:
    """A headless Chromium on the console, with the few verbs that the stories need."""

    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self.driver = driver
        self.url = url

    def open(self, path: str) -> None:
        self.driver.get(self.url + path)

    def find(self, selector: str, *, seconds: float = 20) -> WebElement:
        return self.until(lambda: self._visible(selector), seconds, selector)

    def find_test(self, name: str, *, seconds: float = 20) -> WebElement:
        return self.find(f'[data-testid="{name}"]', seconds=seconds)

    def click(self, selector: str, *, seconds: float = 20) -> None:
        """In the middle of the screen, where nothing sticky covers it; what is swapped, again."""
        self.until(lambda: self._is_clicked(selector), seconds, selector)

    def click_test(self, name: str) -> None:
        self.click(f'[data-testid="{name}"]')

    def wait_for_text(self, text: str, *, within: str = "main", seconds: float = 20) -> None:
        self.until(lambda: text in self.text(within), seconds, f"{text!r} in {within}")

    def text(self, selector: str) -> str:
        return self.driver.execute_script(
            "return [...document.querySelectorAll(arguments[0])].map(e => e.innerText).join('\\n')",
            selector,
        )

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def until(self, condition: Callable[[], Any], seconds: float, what: str) -> Any:
        try:
            waiting = WebDriverWait(self.driver, seconds, 0.2, [StaleElementReferenceException])
            return waiting.until(lambda _: condition())
        except TimeoutException:
            seen = self.text("main")[:3000]
            message = f"Not within {seconds} s: {what}. {self.driver.current_url} shows:\n{seen}"
            raise AssertionError(message) from None

    def sign_in(self, username: str) -> None:
        self.open("/login/")
        self.find("[name=username]").send_keys(username)
        self.find("[name=password]").send_keys(PASSWORD)
        self.find("form button[type=submit]").click()
        self.until(lambda: "/login/" not in self.driver.current_url, 20, "signed in")

    def show_as(self, *, width: int, scheme: str) -> None:
        height = 844 if width < 720 else 900
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 720}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    def complaints(self) -> list[str]:
        """What the browser wrote as an error since the last time it was asked."""
        return [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["level"] == "SEVERE"
        ]

    def _is_clicked(self, selector: str) -> bool:
        if element := self._visible(selector):
            self.run("arguments[0].scrollIntoView({block: 'center'})", element)
            element.click()
        return element is not None

    def _visible(self, selector: str) -> WebElement | None:
        return self.run(FIRST_VISIBLE, selector)


@pytest.fixture(scope="module")
def console(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Console]:
    """With the sample estate, unless the module says ESTATE = "none"."""
    estate = getattr(request.module, "ESTATE", "sample")
    console = Console(tmp_path_factory.mktemp("console"), estate)
    console.start()
    yield console
    console.stop()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    driver = _chromium(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture
def browser(console: Console, chromium: webdriver.Chrome) -> Iterator[Browser]:
    """A new tab in a browser that remembers nothing of earlier tests."""
    chromium.switch_to.new_window("tab")
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
    everything = {"origin": console.url, "storageTypes": "all"}
    chromium.execute_cdp_cmd("Storage.clearDataForOrigin", everything)
    chromium.get_log("browser")
    yield Browser(chromium, console.url)
    chromium.close()
    chromium.switch_to.window(chromium.window_handles[0])


def wait_until(condition: Callable[[], Any], *, seconds: float) -> None:
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, f"not within {seconds} s"
        time.sleep(0.2)


def _chromium(profile: Path) -> webdriver.Chrome:
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        missing = "No Chromium: apt-get install chromium chromium-driver"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*CHROMIUM_FLAGS.split(), f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=ChromeService(chromedriver))
    driver.set_script_timeout(60)
    return driver


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
