"""The report in a real browser: no errors, tables sort, films play, pictures load, also on a phone and on paper."""

import base64
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from glad.evaluate import evaluate
from glad.report.page import write_report
from glad.training import train

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --remote-debugging-pipe"
)
# The browser reads its file 3 and writes its file 4.
AS_3_AND_4 = (
    "import fcntl, os, sys; high = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3]]; "
    "[os.dup2(fd, place) for fd, place in zip(high, (3, 4))]; os.execvp(sys.argv[3], sys.argv[3:])"
)
PATIENCE = 60  # seconds for one answer


class Browser:
    """A page in a headless Chromium, spoken to through a pipe in the DevTools protocol: JSON, each ended by a zero."""

    def __init__(self, program: str, profile: Path) -> None:
        theirs_in, self.out = os.pipe()
        self.answers, theirs_out = os.pipe()
        self.problems: list[str] = []
        self.rest, self.number, self.session = b"", 0, None
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                AS_3_AND_4,
                str(theirs_in),
                str(theirs_out),
                program,
                *FLAGS.split(),
                f"--user-data-dir={profile}",
                "about:blank",
            ],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        page = next(t for t in self.ask("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.ask("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> Any:
        """Return the answer to one command; what the page complains about meanwhile is kept in `problems`."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        os.write(self.out, json.dumps(message | ({"sessionId": self.session} if self.session else {})).encode() + b"\0")
        while (found := self.next()).get("id") != self.number:
            self.keep(found)
        assert "error" not in found, found
        return found["result"]

    def next(self) -> dict[str, Any]:
        """Return the next message; a browser that is silent for long is ended, which ends the wait."""
        timer = threading.Timer(PATIENCE, self.process.kill)
        timer.start()
        while b"\0" not in self.rest:
            more = os.read(self.answers, 1 << 20)
            assert more, "the browser is gone"
            self.rest += more
        timer.cancel()
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def keep(self, event: dict[str, Any]) -> None:
        """Note what is an error of the page, or a request to anywhere but the page and what is inside it."""
        method, params = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.problems.append(params["exceptionDetails"]["exception"]["description"])
        elif method == "Runtime.consoleAPICalled" or (
            method == "Log.entryAdded" and params["entry"]["level"] == "error"
        ):
            self.problems.append(json.dumps(params))
        elif method == "Network.requestWillBeSent":
            url = params["request"]["url"]
            if not url.startswith(("data:", "file:", "about:")):
                self.problems.append(f"asks {url}")

    def open(self, page: Path, width: int, height: int = 900) -> None:
        """Open a file in a window of that size, in CSS pixels."""
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        self.ask("Page.navigate", url=page.resolve().as_uri())
        self.run("new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', done))")

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page, awaited."""
        found = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release a key of the keyboard."""
        codes = {"Enter": 13, "Tab": 9, "ArrowRight": 39, "ArrowDown": 40, "Escape": 27}
        text = {"text": "\r"} if key == "Enter" else {}
        about: dict[str, Any] = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **about, **text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **about)

    def mouse(self, selector: str | None) -> None:
        """Move the mouse to the middle of an element; None: into the corner of the window."""
        x, y = (1, 1) if selector is None else self.middle(selector)
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def tap(self, selector: str) -> None:
        """Tap the middle of an element with a finger."""
        x, y = self.middle(selector)
        self.ask("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def middle(self, selector: str) -> tuple[float, float]:
        """Return the middle of an element, brought into the window."""
        return tuple(
            self.run(
                f"(() => {{ const e = document.querySelector({selector!r}); e.scrollIntoView({{block: 'center'}}); "
                "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
            )
        )

    def close(self) -> None:
        """End the browser."""
        os.close(self.out)  # a browser whose pipe is closed ends by itself
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.answers)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium on this machine; Debian has it: apt-get install chromium")
    try:
        found = Browser(program, tmp_path_factory.mktemp("profile"))
    except AssertionError as problem:
        pytest.skip(f"{program} does not start here: {problem}")
    yield found
    found.close()


@pytest.fixture(scope="module")
def page(square_recipe: Callable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of two small runs that know something and differ."""
    root = tmp_path_factory.mktemp("page")
    runs = []
    for name, steps in (("short", 1), ("long", 40)):
        run = train(square_recipe(name=name, steps=steps), root / name, workers=0)
        evaluate(run, workers=0)
        runs.append(run.folder)
    return write_report(runs, root / "report.html")


@pytest.mark.parametrize("width", [1200, 390])
def test_a_page_opens_without_errors_and_all_its_pictures_load(browser: Browser, page: Path, width: int):
    browser.problems.clear()
    browser.open(page, width)
    assert browser.run("[...document.images].length") > 15
    loaded = "Promise.all([...document.images].map(image => image.decode().then(() => image.naturalWidth)))"
    assert min(browser.run(loaded)) > 0
    assert browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0, "sticks out"
    assert browser.run("innerWidth") == width
    assert browser.run("[...document.querySelectorAll('h2')].length") == 9
    assert browser.problems == []


def column(browser: Browser, table: str, number: int) -> list[str]:
    return browser.run(
        f"[...document.querySelector({table!r}).tBodies[0].rows].map(row => row.cells[{number}].textContent.trim())"
    )


def test_tables_sort_by_mouse_and_by_keyboard(browser: Browser, page: Path):
    browser.open(page, 1200)
    table = "#classes ~ .scroll table.sortable"
    assert column(browser, table, 0) == ["left", "right"]
    heading = f"{table} th button"
    browser.run(f"document.querySelector({heading!r}).click()")
    assert column(browser, table, 0) == ["left", "right"]
    browser.run(f"document.querySelector({heading!r}).focus()")
    browser.press("Enter")
    assert column(browser, table, 0) == ["right", "left"]
    assert browser.run(f"document.querySelector('{table} th').getAttribute('aria-sort')") == "descending"
    browser.run(f"document.querySelectorAll({heading!r})[2].click()")
    recalls = browser.run(
        f"[...document.querySelector({table!r}).tBodies[0].rows].map(row => Number(row.cells[2].dataset.sort))"
    )
    assert recalls == sorted(recalls, reverse=True)


def test_a_confusion_matrix_is_sorted_counted_and_put_in_words(browser: Browser, page: Path):
    browser.open(page, 1200)
    rows = "[...document.querySelector('.confusion').tBodies[0].rows]"
    counts = f"{rows}.map(row => [...row.cells].slice(1).map(cell => Number(cell.dataset.n)))"
    heads = "[...document.querySelector('.confusion thead').querySelectorAll('[data-j]')].map(head => head.textContent)"
    before = browser.run(counts)
    assert [sum(row) for row in before] == [2, 2] and browser.run(heads) == ["left", "right"]
    recall = [before[0][0] / 2, before[1][1] / 2]

    def choose(what: str, value: str) -> None:
        element = f"document.getElementById('{what}')"
        browser.run(f"{element}.value = '{value}'; {element}.dispatchEvent(new Event('change'))")

    choose("order", "recall")
    turned = recall[1] > recall[0]
    assert browser.run(heads) == (["right", "left"] if turned else ["left", "right"])
    assert browser.run(counts) == ([row[::-1] for row in before[::-1]] if turned else before)
    choose("order", "list")
    choose("unit", "shares")
    shown = browser.run(
        "[...document.querySelectorAll('.confusion')[0].querySelectorAll('td')].map(cell => cell.textContent)"
    )
    assert shown == [str(50 * n) if n else "" for row in before for n in row]
    browser.mouse(".confusion td")
    words = "document.querySelector('.looked-at').textContent"
    assert browser.run(words) == f"left: {before[0][0]} of 2 recognised, {50 * before[0][0]:.1f} %"
    browser.run("document.querySelector('.confusion td').focus()")
    browser.press("ArrowRight")
    assert browser.run(words) == f"left, taken for right: {before[0][1]} of 2, {50 * before[0][1]:.1f} %"


PLACE = (
    "(film => [film.classList.contains('playing'), ...['--x', '--y'].map(name => film.style.getPropertyValue(name))])"
    "(document.querySelector('.film'))"
)
LATER = "new Promise(done => setTimeout(() => done(), 300))"


def soon(browser: Browser, wanted: Callable[[], bool]) -> bool:
    """Return whether something comes true within some seconds."""
    return any(wanted() or browser.run(LATER) for _ in range(30))


def test_films_play_under_the_mouse_on_focus_and_after_a_tap(browser: Browser, page: Path):
    browser.open(page, 1200)
    browser.ask("Emulation.setEmulatedMedia", features=[])

    def plays() -> bool:
        first = browser.run(PLACE)
        return first[0] and soon(browser, lambda: browser.run(PLACE)[1:] != first[1:] and browser.run(PLACE)[0])

    def stands() -> bool:
        return not browser.run(PLACE)[0]

    assert stands()
    browser.mouse(".film")
    assert plays()
    browser.mouse(None)
    assert stands()
    browser.run("document.querySelector('summary').focus()")
    browser.run("document.querySelector('.film').focus({focusVisible: true})")
    assert plays()
    browser.press("Escape")
    assert stands()
    browser.open(page, 390)
    browser.ask("Emulation.setTouchEmulationEnabled", enabled=True)
    browser.tap(".film")
    assert soon(browser, plays)
    browser.tap(".film")
    assert soon(browser, stands)
    browser.ask("Emulation.setTouchEmulationEnabled", enabled=False)


def test_a_film_shows_one_frame_of_its_sheet_in_its_own_place(browser: Browser, page: Path):
    browser.open(page, 1200)
    box = (
        "(selector => { const found = document.querySelector(selector).getBoundingClientRect(); "
        "return [found.x, found.y, found.width, found.height].map(Math.round); })"
    )
    film = browser.run(f"{box}('.film')")
    assert abs(film[2] / film[3] - 4 / 3) < 0.02
    browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    for _ in range(6):
        browser.run("document.querySelector('.film').click()")  # each press a frame more
    assert browser.run(PLACE) == [True, "1", "1"]
    browser.run(LATER)
    assert browser.run(PLACE) == [True, "1", "1"], "nothing moves by itself"
    stage, sheet = browser.run(f"{box}('.film .stage')"), browser.run(f"{box}('.film img')")
    assert browser.run(f"{box}('.film')") == film and stage[3] == film[3] and abs(stage[2] - stage[3]) <= 1
    assert abs(sheet[2] - 4 * stage[2]) <= 4 and abs(sheet[0] - (stage[0] - stage[2])) <= 2
    for _ in range(7):
        browser.run("document.querySelector('.film').click()")
    assert browser.run(PLACE)[0] is False
    browser.ask("Emulation.setEmulatedMedia", features=[])


def test_a_class_of_the_legend_stands_alone(browser: Browser, page: Path):
    browser.open(page, 1200)
    dim = "[...document.querySelectorAll('.scatter path.dim')].map(path => path.classList[1])"
    browser.run("document.querySelector('.legend button').click()")
    assert set(browser.run(dim)) <= {"k1"}
    browser.run("document.querySelector('.legend button').click()")
    assert browser.run(dim) == []


def test_on_paper_everything_is_unfolded(browser: Browser, page: Path):
    browser.open(page, 1200)
    assert browser.run("document.querySelectorAll('details:not([open])').length") > 0
    browser.run("dispatchEvent(new Event('beforeprint'))")
    assert browser.run("document.querySelectorAll('details:not([open])').length") == 0
    browser.run("dispatchEvent(new Event('afterprint'))")
    assert browser.run("document.querySelectorAll('details:not([open])').length") > 0
    browser.ask("Emulation.setEmulatedMedia", media="print")
    heights = "[...document.querySelectorAll('details pre')].map(pre => pre.getBoundingClientRect().height)"
    assert min(browser.run(heights)) > 20, "by the style sheet alone too"
    lines = "getComputedStyle(document.querySelector('.film'), '::before').display"
    assert browser.run(lines) == "none", "on paper the lines between frames would hide the frames"
    browser.ask("Emulation.setEmulatedMedia", media="")
    paper = base64.b64decode(browser.ask("Page.printToPDF", printBackground=True)["data"])
    assert paper.startswith(b"%PDF") and paper.count(b"/Type /Page\n") >= 2
