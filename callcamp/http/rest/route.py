"""One address of the API: what it takes, what it asks for, what it answers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from callcamp.core.permissions import Permission
from callcamp.engine.commands import Commands
from callcamp.engine.form_reading import shorten
from callcamp.errors import InvalidInput, LimitExceeded
from callcamp.http.context import ENGINE, readable
from callcamp.http.failures import answer as answer_error
from callcamp.http.needs import EngineLike
from callcamp.http.rest.fields import FieldsQuery, Page, Query
from callcamp.http.rest.replays import with_key
from callcamp.http.security import Handler

Q = TypeVar("Q")
B = TypeVar("B")
MAX_BODY_BYTES = 256 * 1024
"""Most bytes of a body, where an address does not say otherwise."""
_PARAMETER = re.compile(r"\{(\w+)(?::[^{}]*(?:\{[^{}]*\}[^{}]*)*)?\}")


class Refusal(Exception):
    """A request that HTTP itself has a word for, such as a missing ``If-Match``.

    Args:
        status: the HTTP status.
        error_id: the name for programs.
        message: the sentence for people.
        details: facts for programs.
    """

    def __init__(self, status: int, error_id: str, message: str, **details: object) -> None:
        super().__init__(message)
        self.status = status
        self.error_id = error_id
        self.message = message
        self.details = details


@dataclass(frozen=True, slots=True)
class Call(Generic[Q, B]):
    """A request that was read: query and body fit their models.

    Args:
        request: the request.
        query: the query.
        body: the body.
    """

    request: web.Request
    query: Q
    body: B

    @property
    def engine(self) -> EngineLike:
        """The engine."""
        return self.request.app[ENGINE]

    @property
    def commands(self) -> Commands:
        """The use-cases."""
        return self.engine.commands

    def id(self, name: str = "campaign_id") -> int:
        """Return a number out of the path."""
        return int(self.request.match_info[name])

    def key(self, name: str) -> str:
        """Return a name out of the path."""
        return self.request.match_info[name]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer.

    Args:
        value: what is answered (None: nothing).
        status: the HTTP status.
        headers: further headers.
    """

    value: BaseModel | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Action = Callable[[Call[Any, Any]], Awaitable[Reply | web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class RestRoute:
    """One address of the API.

    Args:
        method: HTTP method.
        path: path for aiohttp, ``/api/v1`` included.
        action: what is done.
        permission: what it asks of whoever comes.
        summary: what it does, one line for people.
        answer: the model of the answer (None: it has no body, or it is a file).
        query: the model of the query.
        body: the model of the body (None: it takes none).
        status: the status of success.
        also: further statuses that can happen, beside those of every address of its kind.
        media: types of the answer, when it is a file.
        form: the schema of a form with a file, in place of ``body``.
        body_needed: whether the body may be left out.
        max_bytes: most bytes of a body.
        request_headers: headers that it needs, ``{name: what for}``.
        answer_headers: headers of its answer, ``{name: what it says}``.
        secret: whether body or answer holds a secret, which is kept nowhere:
            ``Idempotency-Key`` is not heeded then, as answers and a quick hash of the body,
            from which a password could be guessed, are kept under it.
    """

    method: str
    path: str
    action: Action
    permission: Permission
    summary: str
    answer: type[BaseModel] | None = None
    query: type[Query] = Query
    body: type[BaseModel] | None = None
    status: int = 200
    also: tuple[int, ...] = ()
    media: tuple[str, ...] = ()
    form: Mapping[str, Any] | None = None
    body_needed: bool = True
    max_bytes: int = MAX_BODY_BYTES
    request_headers: Mapping[str, str] = field(default_factory=dict)
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    secret: bool = False

    @property
    def replays(self) -> bool:
        """Whether an ``Idempotency-Key`` is heeded: on a POST of no file and no secret."""
        return self.method == "POST" and self.form is None and not self.secret

    @property
    def template(self) -> str:
        """The path as OpenAPI writes it."""
        return _PARAMETER.sub(r"{\1}", self.path)

    @property
    def parameters(self) -> list[str]:
        """Names of the parameters in the path."""
        return _PARAMETER.findall(self.path)

    @property
    def handler(self) -> Handler:
        """The handler for aiohttp."""
        return self._handle

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        try:
            query = read_query(self.query, request)
            raw = b"" if self.form is not None else await self._read(request)
            body = self._parse(request, raw)

            async def act() -> web.StreamResponse:
                done = await self.action(Call(request, query, body))
                return done if isinstance(done, web.StreamResponse) else self._render(done, query)

            key = request.headers.get("Idempotency-Key")
            if key is None or not self.replays:
                return await act()
            digest = hashlib.sha256(f"{request.method} {request.path_qs}\n".encode() + raw)
            return await with_key(request, key, digest.hexdigest(), act)
        except Refusal as refusal:
            return answer_error(
                request, refusal.status, refusal.error_id, refusal.message, refusal.details
            )

    async def _read(self, request: web.Request) -> bytes:
        raw = bytearray()
        with readable():
            async for chunk in request.content.iter_chunked(1 << 16):
                raw += chunk
                if len(raw) > self.max_bytes:
                    raise LimitExceeded(
                        f"The body is larger than {self.max_bytes:,} bytes, the most that this "
                        "address takes.",
                        limit=self.max_bytes,
                        value=len(raw),
                    )
        return bytes(raw)

    def _parse(self, request: web.Request, raw: bytes) -> BaseModel | None:
        if self.body is None:
            if raw and self.form is None:
                raise InvalidInput("This address takes no body; send none.", field="body")
            return None
        if not raw and not self.body_needed:
            return self.body()
        if request.content_type != "application/json":
            raise Refusal(
                415,
                "unsupported_media_type",
                "Send JSON, with the header Content-Type: application/json.",
                field="Content-Type",
                value=request.headers.get("Content-Type", ""),
            )
        try:
            return self.body.model_validate_json(raw)
        except ValidationError as error:
            raise invalid(error, "body") from None

    def _render(self, reply: Reply, query: Query) -> web.Response:
        if reply.value is None:
            return web.Response(status=reply.status, headers=reply.headers)
        wanted = isinstance(query, FieldsQuery) and query.fields
        value = reply.value.model_dump(mode="json")
        if wanted:
            names = chosen_fields(reply.value, str(wanted))
            if isinstance(reply.value, Page):
                value["items"] = [{k: one[k] for k in names} for one in value["items"]]
            else:
                value = {k: value[k] for k in names}
        return web.json_response(value, status=reply.status, headers=reply.headers)

    def field_names(self) -> list[str]:
        """Return the fields that ``?fields=`` may name."""
        return [] if self.answer is None else _names(self.answer)


def _names(model: type[BaseModel]) -> list[str]:
    if issubclass(model, Page):
        (item,) = model.model_fields["items"].annotation.__args__  # type: ignore[union-attr]
        return list(item.model_fields)
    return list(model.model_fields)


def chosen_fields(value: BaseModel, wanted: str) -> list[str]:
    """Return the names in ``fields``, each once.

    Raises:
        InvalidInput: the answer has no such field.
    """
    known = _names(type(value))
    names = list(dict.fromkeys(wanted.split(",")))
    for name in names:
        if name not in known:
            raise InvalidInput(
                f"fields has {shorten(name)}; there are {', '.join(known)}.",
                field="fields",
                value=name,
            )
    return names


def read_query(model: type[Query], request: web.Request) -> Query:
    """Return the query of a request.

    Raises:
        InvalidInput: something is unknown, given twice or does not fit.
    """
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name in given:
            raise InvalidInput(f"{shorten(name)} is given twice; give it once.", field=name)
        given[name] = value
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid(error, "query") from None


def invalid(error: ValidationError, where: str) -> InvalidInput:
    """Return what does not fit as an error that names the fields.

    Args:
        error: what pydantic found.
        where: what to name when it is the whole that does not fit.
    """
    problems = []
    for one in error.errors(include_url=False, include_context=False):
        # A place in a body of several shapes begins with the name of the shape, in brackets.
        loc = [str(part) for part in one["loc"] if not str(part).startswith("[")]
        path = ".".join(loc) or where
        words = one["msg"].removeprefix("Value error, ")
        words = words[:1].lower() + words[1:]
        given: str | None = None if isinstance(one["input"], bytes) else shorten(one["input"])
        if one["type"] == "missing":
            given, message = None, f"{path} is missing; it is needed."
        elif one["type"] == "extra_forbidden":
            message = f"There is no {path} here; leave it out."
        elif given is None:
            message = f"{path} cannot be read; {words}."
        else:
            message = f"{path} is {given}; {words}."
        problems.append({"field": path, "value": given, "message": message})
    return InvalidInput(
        " ".join(str(one["message"]) for one in problems[:5]),
        field=problems[0]["field"],
        value=problems[0]["value"],
        problems=problems[:100],
    )
