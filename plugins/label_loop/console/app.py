"""The console's application: pages, errors, headers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from importlib import import_module
from pathlib import Path
from urllib.parse import quote, urlencode

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import GetUserDep
from botocore.exceptions import BotoCoreError, ClientError
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException

from label_loop.console import access, context, corrections, render
from label_loop.console.threads import BusyError, OverdueError, in_thread
from label_loop.exceptions import LabelLoopError
from label_loop.hooks.aws_errors import error_code
from label_loop.loop import CONSOLE_PATH, NAMED_BY

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_LARGEST_BODY_BYTES = 1 << 20
_STREAMED_UPLOADS = ("/upload/detection", "/upload/training")  # after the permission to upload was checked


def create_app() -> FastAPI:
    """Return the console. FastAPI's documentation pages are off: they load external scripts and require no login."""
    # Nor does it redirect to addresses with or without a slash: their host would be the request's Host header.
    app = FastAPI(title="Label Loop", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    app.middleware("http")(_refuse_large_bodies)
    app.middleware("http")(_add_headers)
    app.add_api_route("/", _redirect_to_first_loop, methods=["GET"])
    app.add_api_route("/{loop_name}/loops", _loop_choice, methods=["GET"])
    for path, _, _ in render.PAGES:
        app.include_router(import_module(f"label_loop.console.pages.{path}").router, prefix="/{loop_name}")
    app.include_router(corrections.router, prefix="/{loop_name}")
    for kind in (StarletteHTTPException, LabelLoopError, BotoCoreError, ClientError, RequestValidationError):
        app.add_exception_handler(kind, _error_page)
    return app


async def _redirect_to_first_loop(request: Request, user: GetUserDep) -> Response:
    """Redirect a visitor to the first loop that they may view. Raises HTTPException 403 or 404 if there is none."""
    async for name in _visible_loop_names(user):
        return RedirectResponse(f"{render.base(request)}/{quote(name)}/{render.PAGES[0][0]}", 303)
    if await in_thread(context.contexts):
        raise HTTPException(403, "You cannot view any of this Airflow's loops. Ask for a role that can read them.")
    raise HTTPException(404, f"This Airflow has no loops. Add one in {NAMED_BY}.")


async def _loop_choice(visit: access.Look, page: str = "") -> Response:
    """Return the menu of the loops that the visitor may view; even the names of the others may be confidential."""
    names = [name async for name in _visible_loop_names(visit.user)]
    return render.render(visit, "loops.html", loop_names=names, at=page)


async def _visible_loop_names(user: BaseUser) -> AsyncIterator[str]:
    for name, aws in (await in_thread(context.contexts)).items():
        if (await in_thread(access.permissions, user, aws.loop))[access.LOOK]:
            yield name


async def _add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    # A page must not run a script of an earlier release, so browsers revalidate static files instead of reusing them.
    kept = "no-cache" if "/static/" in _path(request) else "no-store"
    response.headers.setdefault("Cache-Control", kept)
    return response


async def _refuse_large_bodies(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Respond with 413 to large bodies, which FastAPI would read into memory before it checks the login."""
    length = request.headers.get("content-length", "0")
    is_known = length.isdecimal() and len(length) < 10 and "transfer-encoding" not in request.headers
    if _path(request).endswith(_STREAMED_UPLOADS) or (is_known and int(length) <= _LARGEST_BODY_BYTES):
        return await call_next(request)
    return JSONResponse({"detail": "The request body is larger than 1 MB, or does not state its length."}, 413)


async def _error_page(request: Request, error: Exception) -> Response:
    """Respond to an error with a page if a browser navigates, otherwise with JSON like Airflow's own API."""
    status, message = _status_and_message(error)
    if "text/html" not in request.headers.get("accept", "") or "hx-request" in request.headers:
        return JSONResponse({"detail": message}, status)
    login = _login_url(request) if status == 401 else None
    return render.render_plain(request, "error.html", status_code=status, message=message, login=login)


def _login_url(request: Request) -> str:
    """Return the URL of Airflow's login, which works with every auth manager; not every one honours ``next``."""
    # Only the path: behind a proxy that terminates TLS, scheme and host differ from what the browser uses.
    query = request.scope["query_string"].decode("latin-1")
    back = quote(_path(request)) + (f"?{query}" if query else "")
    return f"{render.base(request).removesuffix(CONSOLE_PATH)}/api/v2/auth/login?{urlencode({'next': back})}"


def _path(request: Request) -> str:
    """Return the path of a request. Not that of ``request.url``, which is made with its Host header."""
    return str(request.scope["path"])


def _status_and_message(error: Exception) -> tuple[int, str]:
    if isinstance(error, StarletteHTTPException):
        return error.status_code, str(error.detail)
    if isinstance(error, RequestValidationError):
        fields = ", ".join(str(problem["loc"][-1]) for problem in error.errors())
        return 422, f"The request is invalid. Check {fields}."
    if isinstance(error, BusyError):
        return 503, str(error)
    if isinstance(error, OverdueError):
        return 504, str(error)
    if isinstance(error, LabelLoopError):
        return 409, str(error)
    code = error_code(error) or type(error).__name__
    return 502, f"AWS did not respond as expected ({code}). Try again; if this persists, check the API server's log."
