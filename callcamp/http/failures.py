"""From errors to answers, in one place."""

from __future__ import annotations

import errno
import math
import secrets

import structlog
from aiohttp import web

from callcamp.engine.children import ChildTimeout
from callcamp.errors import (
    BadLogin,
    CallcampError,
    CodeNeeded,
    Conflict,
    InvalidInput,
    LimitExceeded,
    NotFound,
    StoreError,
    SwitchError,
    TooBusy,
    TooManyLogins,
)
from callcamp.http.auth import LogInNeeded, NotAllowed
from callcamp.http.context import render, wants_json
from callcamp.http.csrf import StaleForm
from callcamp.http.security import Forbidden, Handler

log = structlog.get_logger(__name__)

STATUS: tuple[tuple[type[CallcampError], int], ...] = (
    (StaleForm, 403),
    (LogInNeeded, 401),
    (NotAllowed, 403),
    (BadLogin, 403),
    (CodeNeeded, 403),
    (TooManyLogins, 429),
    (NotFound, 404),
    (Conflict, 409),
    (LimitExceeded, 413),
    (InvalidInput, 400),
    (SwitchError, 503),
    (StoreError, 503),
    (TooBusy, 503),
    (ChildTimeout, 503),
)
"""The status of every family of errors; the first that fits counts."""

_TITLES = {
    400: "That cannot be done",
    401: "Log in first",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    409: "Not now",
    413: "Too large",
    429: "Too many attempts",
    503: "Not available now",
}


def status_of(error: CallcampError) -> int:
    """Return the HTTP status of an error; 500 for one without a family."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


@web.middleware
async def failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into JSON for programs, a page for people."""
    try:
        return await handler(request)
    except Forbidden as error:
        # A bare line: a page from elsewhere must not learn the link's state or a form token.
        if wants_json(request):
            return web.json_response({"error": error.as_dict()}, status=403)
        return web.Response(text=error.message, status=403)
    except CallcampError as error:
        status = status_of(error)
        details = error.details
        if status >= 500:
            # Details of what broke inside (a child's last words) are for the log alone.
            log.warning("request.failed", path=request.path, error=error.as_dict())
            details = {}
        response = answer(request, status, error.id, error.message, details)
        if status == 401:
            response.headers["WWW-Authenticate"] = 'Bearer realm="callcamp"'
        return say_when(response, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        response = answer(request, error.status, *_http_words(error))
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            # A static file with a longer name than any.
            return answer(request, 404, *_http_words(web.HTTPNotFound()))
        # The one place where everything is caught: people see a reference, the log the rest.
        reference = secrets.token_hex(4)
        log.exception("request.crashed", path=request.path, reference=reference)
        text = f"Something went wrong inside callcamp. The log has it under {reference}."
        return answer(request, 500, "internal", text, {"reference": reference})


def say_when(response: web.Response, problem: CallcampError | None) -> web.Response:
    """Put into an answer's head when the same may be tried again, if the error tells that."""
    if problem is not None and "retry_after_s" in problem.details:
        seconds = max(1, math.ceil(float(problem.details["retry_after_s"])))
        response.headers["Retry-After"] = str(seconds)
    return response


def answer(
    request: web.Request,
    status: int,
    error_id: str,
    message: str,
    details: dict[str, object] | None = None,
) -> web.Response:
    """Return an error in the shape that the client reads."""
    if wants_json(request):
        error = {"id": error_id, "message": message, "details": details or {}}
        return web.json_response({"error": error}, status=status)
    missing = (details or {}).get("missing")
    return render(
        request,
        "error.html",
        {
            "status": status,
            "title": _TITLES.get(status, "Something went wrong"),
            "message": message,
            "missing": missing if isinstance(missing, dict) else {},
        },
        status=status,
    )


def _http_words(error: web.HTTPException) -> tuple[str, str]:
    match error.status:
        case 404:
            return "not_found", "There is no such page."
        case 405:
            return "method_not_allowed", "This address does not do that."
        case 413:
            return "limit_exceeded", "That is more than callcamp accepts at once."
        case _:
            return "bad_request", "callcamp cannot read this request."
