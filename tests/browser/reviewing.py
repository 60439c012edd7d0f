"""A reviewer at the page Review in a real Chromium, and what the server got from them."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import CDPSession, Frame, Page, Route, expect
from tests.console.conftest import LOOP
from tests.integration.pictures import FRESH_DIGITS
from tests.integration.world import World
from tests.waiting import eventually

from label_loop.domain.review_queue import Review
from label_loop.hooks.reviews import ReviewsHook
from label_loop.payloads import LABELLED_FOLDER, UPLOADS_FOLDER, ReviewTask

# Eleven labels: the first ten have the keys 1 to 9 and 0, and the page offers a search.
LABELS = ("ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen", "ibis", "jay", "kiwi")

_REPORT_PAINTS = """
  window.painted = {};
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.painted[entry.url.split("/").at(-1)] ??= entry.renderTime;
  }).observe({ type: "element", buffered: true });
  const Plain = window.Image;
  window.Image = function () {
    const image = new Plain();
    image.setAttribute("elementtiming", "review");
    return image;
  };
"""


class Questions:
    """The reviews of a test, the first of which is shown first, and the answers that the server has for them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.names: list[str] = []
        self.page: Page | None = None

    def ask(self, *bodies: bytes | None) -> list[str]:
        """Ask about images, None for any digit; return the names of the reviews, which no other test has."""
        test = uuid.uuid4().hex[:12]
        for number, body in enumerate(bodies):
            key = self.world.upload(f"{number}.png", body or FRESH_DIGITS[number].body)
            task = ReviewTask(
                f"id-{number}", "A2I Workflow", f"s3://{self.world.bucket}/{key}", "ant", 10.0 + number, is_drawn=True
            )
            self.names.append(f"{test}-{number}")
            _table().add(Review(self.names[-1], task, time.time() + number))
        return self.names

    def label_images(self) -> None:
        """Give the loop the labels that are offered."""
        self.world.backend_bucket().keys.clear()
        for label in LABELS:
            self.world.put(f"{LABELLED_FOLDER}{label}/", b"")

    def delete(self, number: int) -> None:
        self.world.client("s3").delete_object(Bucket=self.world.bucket, Key=f"{UPLOADS_FOLDER}{number}.png")

    def answers(self) -> dict[int, tuple[str, ...]]:
        """Return the labels of each review that has any, by its place in what was asked."""
        reviews = {name: _table().get(name) for name in self.names}
        given = {name: tuple(answer.label for answer in review.answers) for name, review in reviews.items() if review}
        return {self.names.index(name): labels for name, labels in given.items() if labels}

    def expect(self, **labels: str) -> None:
        """Wait until the server has these answers, and no other; ``_0="ant"`` is about the first review."""
        wanted = {int(place[1:]): (label,) for place, label in labels.items()}

        def is_so() -> bool:
            if self.page:
                self.page.wait_for_timeout(20)  # lets held requests go on, which a mere sleep does not
            return self.answers() == wanted

        eventually(is_so, f"{wanted}")


def _table() -> ReviewsHook:
    from label_loop.console.context import contexts

    return contexts()[LOOP.name].clients.reviews.table


def look(page: Page | Frame) -> None:
    """Look at the image on the page for as long as a person does before they answer."""
    page.wait_for_timeout(500)


class Desk:
    """The page Review in one tab."""

    def __init__(self, page: Page, url: str, questions: Questions) -> None:
        self.page = page
        self.url = f"{url}/label-loop/{LOOP.name}"
        self.questions = questions
        questions.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.browser: CDPSession = page.context.new_cdp_session(page)

    def open(self) -> None:
        self.page.goto(f"{self.url}/review")

    def see(self, number: int) -> None:
        """Wait until the image of a review is on the screen, and look at it."""
        image = self.page.locator(f"[data-picture] img[src$='/{self.questions.names[number]}']")
        expect(image).to_be_visible()
        self.look()

    def look(self) -> None:
        look(self.page)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def key(self, key: str, code: str, *, text: str = "", repeat: bool = False, key_code: int = 0) -> None:
        """Press a key down, as a keyboard of any layout does: the character and the place may not belong together."""
        self.browser.send(
            "Input.dispatchKeyEvent",
            {
                "type": "keyDown" if text else "rawKeyDown",
                "key": key,
                "code": code,
                "text": text,
                "autoRepeat": repeat,
                "windowsVirtualKeyCode": key_code,
            },
        )

    def try_all(self) -> None:
        """Try to answer in each way that the page has."""
        self.press("1", "n")
        self.label("cat").click(force=True)
        self.part("none").click(force=True)
        self.label("dog").press("Enter")
        self.part("search").fill("eel")
        self.part("search").press("Enter")
        self.part("search").press("Escape")

    def let_go(self, key: str, code: str, key_code: int) -> None:
        up = {"type": "keyUp", "key": key, "code": code, "windowsVirtualKeyCode": key_code}
        self.browser.send("Input.dispatchKeyEvent", up)

    def hammer(self, key: str, answers: int) -> float:
        """Press a key until as many answers are given; return the moment of the last, in ms of the page's clock."""
        moment = self.page.evaluate(
            """async ([key, answers]) => {
              for (;;) {
                const moment = performance.now();
                document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
                if (document.querySelector("[data-done]").textContent === String(answers)) return moment;
                await new Promise((resolve) => { setTimeout(resolve, 1); });
              }
            }""",
            [key, answers],
        )
        return float(moment)

    def report_paints(self) -> None:
        """Have the browser report when images are on the screen; asked for before the page is opened."""
        self.page.add_init_script(_REPORT_PAINTS)

    def painted(self, name: str) -> float:
        """Return when the image of a review came on the screen, in ms of the page's clock."""
        self.page.wait_for_function("(name) => window.painted[name]", arg=name)
        return float(self.page.evaluate("(name) => window.painted[name]", name))

    def part(self, name: str) -> Any:
        return self.page.locator(f"[data-{name}]")

    def label(self, label: str) -> Any:
        return self.page.locator(f"[data-label='{label}']")

    @property
    def done(self) -> int:
        return int(self.part("done").inner_text())

    @property
    def problems(self) -> list[str]:
        return list(self.page.locator(".notice.problem > span").all_inner_texts())

    def told(self, words: str) -> None:
        expect(self.page.locator(".notice.problem", has_text=words)).to_be_visible()

    def hold(self, path: str) -> "Held":
        return Held(self.page, path)

    def offline(self, is_offline: bool) -> None:
        self.browser.send("Network.enable")
        conditions = {"offline": is_offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.browser.send("Network.emulateNetworkConditions", conditions)


class Held:
    """Requests that do not reach the server until they are let go."""

    def __init__(self, page: Page, path: str) -> None:
        self._page, self._path = page, path
        self._routes: list[Route] = []
        self._is_open = False
        page.route(path, self._hold)

    def _hold(self, route: Route) -> None:
        if self._is_open:
            route.continue_()
        else:
            self._routes.append(route)

    def come(self, count: int = 1) -> None:
        """Wait until as many requests have come."""
        for _ in range(4000):
            if len(self._routes) >= count:
                return
            self._page.wait_for_timeout(25)
        raise AssertionError(f"{len(self._routes)} requests came to {self._path}, not {count}")

    def let_go(self) -> None:
        self._is_open = True
        for route in self._routes:
            route.continue_()


def lose_answers(page: Page, path: str, times: int = 1) -> None:
    """Let the server do what it is asked, and lose its answer on the way back, as often as given."""
    left = [None] * times

    def handle(route: Route) -> None:
        if left:
            left.pop()
            route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(path, handle)


@contextmanager
def hurried(page: Page) -> Iterator[None]:
    """Let the page wait for a response a hundredth of the time that it would."""
    page.evaluate("window.wait = AbortSignal.timeout.bind(AbortSignal); AbortSignal.timeout = (ms) => wait(ms / 100)")
    yield
    page.evaluate("AbortSignal.timeout = wait")
