"""The OpenAPI 3.1 document, drawn from the table of addresses and its models."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from callcamp import __version__
from callcamp.core.permissions import OF_SCOPE, Permission, TokenScope
from callcamp.http.auth import COOKIE
from callcamp.http.csrf import HEADER
from callcamp.http.rest.fields import MOST_ID, Failure, FieldsQuery, Page
from callcamp.http.rest.route import RestRoute
from callcamp.http.rest.settings_schema import schemas as settings_schemas
from callcamp.http.security import SAFE_METHODS

_ETAG = '^"[0-9]{1,15}"$'
_REF = "#/components/schemas/"
_ID = {"type": "integer", "minimum": 1, "maximum": MOST_ID}
_PATH: dict[str, dict[str, Any]] = {
    "fmt": {"type": "string", "enum": ["csv", "xlsx"]},
    "name": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": r"^[A-Za-z0-9 _-]+$"},
    "agent": {
        "type": "string",
        "pattern": r"^[a-z0-9][a-z0-9._-]{0,63}$",
        "examples": ["anna"],
    },
    "phone": {"type": "string", "pattern": r"^\+[0-9]{3,20}$", "examples": ["+33612345678"]},
    "call_id": {"type": "string", "pattern": r"^[A-Za-z0-9-]{1,64}$"},
    "preview_id": {"type": "string", "pattern": r"^[0-9a-f]{32}$"},
    "preset_id": {"type": "string", "pattern": r"^[a-z0-9-]{1,64}$", "examples": ["us-tsr"]},
}
_MEANING = {
    200: "Done.",
    201: "Made; `Location` says where it is.",
    204: "Done; there is nothing to say.",
    400: "Something that was sent is not acceptable; `details.problems` names the fields.",
    401: "No token, or none that holds.",
    403: "The token or the account may not do this.",
    404: "There is no such thing.",
    409: "It does not fit what is there now.",
    412: "The campaign was changed meanwhile.",
    413: "More than is accepted at once.",
    415: "The body is of another type than this address takes.",
    428: "`If-Match` is missing.",
    429: "Too many requests or failed attempts; try later.",
    503: "The database or Asterisk is not available now.",
}
_TAGS = {
    "campaigns": "Campaigns, their contacts, calls and reports.",
    "calls": "Single calls and their outcomes.",
    "imports": "Contacts from files.",
    "mapping-presets": "What becomes of the columns of files, saved for the next file.",
    "directory": "People apart from campaigns.",
    "filters": "Saved conditions over people.",
    "trunks": "Ways out of Asterisk.",
    "numbers": "Outbound numbers.",
    "suppressions": "Numbers that must not be called.",
    "dnc-lists": "Imported do-not-call registers.",
    "consents": "Who agreed to be called.",
    "outcomes": "Custom dispositions.",
    "legal-presets": "The numbers of laws.",
    "agents": "People who talk to contacts, what they do now, and what they do themselves.",
    "queues": "Where contacts wait for agents.",
    "reports": "What was done.",
    "users": "Accounts.",
    "tokens": "API tokens.",
    "webhooks": "Where events are sent to, and what became of them.",
    "deliveries": "Events on their way to webhooks.",
    "live": "What goes on now.",
    "callbacks": "Callbacks that were agreed.",
    "audit": "Who did what.",
    "openapi.json": "This document.",
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A name for this request: sent twice with the same one it is done once. "
    "Answers are kept for 24 hours.",
    "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{1,200}$"},
}
_COOKIE_WORDS = (
    "The session of a browser, begun on the log-in page. Whatever changes something needs "
    "the header of the scheme `page` as well."
)
_SCHEMES: dict[str, dict[str, str]] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API token, made in the preferences. Scopes: "
        + ", ".join(scope.value for scope in TokenScope)
        + ".",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": f"{_COOKIE_WORDS} Over http.",
    },
    "session_https": {
        "type": "apiKey",
        "in": "cookie",
        "name": f"__Host-{COOKIE}",
        "description": f"{_COOKIE_WORDS} Over https.",
    },
    "page": {
        "type": "apiKey",
        "in": "header",
        "name": HEADER,
        "description": "The form token of a page of the same session: its field `csrf`.",
    },
}
_ABOUT = (
    "Outbound call campaigns over Asterisk. Lists answer `items` and `next`; give `next` back as "
    "`cursor`. Errors have one shape. Instants are RFC 3339, in UTC."
)


def document(routes: Sequence[RestRoute]) -> dict[str, Any]:
    """Return the OpenAPI document of the addresses.

    Args:
        routes: the addresses.
    """
    components = _components(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.template, {})[route.method.lower()] = _operation(route, components)
    queries = {r.query.__name__ for r in routes}
    whole = {
        "openapi": "3.1.0",
        "info": {"title": "callcamp", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in components.items() if name not in queries},
            "securitySchemes": _SCHEMES,
        },
    }
    linked: dict[str, Any] = _linked(whole)
    return linked


def _components(routes: Sequence[RestRoute]) -> dict[str, Any]:
    models: dict[type[BaseModel], Any] = {Failure: "serialization"}
    cut: set[str] = set()
    for route in routes:
        if route.body is not None:
            models[route.body] = "validation"
        if route.answer is not None:
            models[route.answer] = "serialization"
            if issubclass(route.query, FieldsQuery):
                cut.add(_item_of(route.answer))
        models[route.query] = "validation"
    _, found = models_json_schema(list(models.items()), ref_template=_REF + "{model}")
    schemas: dict[str, Any] = {**found["$defs"], **settings_schemas()}
    for model in models:
        # Two models of one name would both be there under longer ones.
        if model.__name__ not in schemas:
            raise AssertionError(f"two models of the API are called {model.__name__}")
    for name in cut:
        # With ?fields= any of them may be left out.
        schemas[name].pop("required", None)
    return schemas


def _item_of(model: type[BaseModel]) -> str:
    if issubclass(model, Page):
        return str(model.model_fields["items"].annotation.__args__[0].__name__)  # type: ignore[union-attr]
    return model.__name__


def _operation(route: RestRoute, components: Mapping[str, Any]) -> dict[str, Any]:
    words = route.template.removeprefix("/api/v1/").removeprefix("/api/").split("/")
    name = re.sub(r"\W+", "_", f"{route.method.lower()}_{'_'.join(words)}").strip("_")
    operation: dict[str, Any] = {
        "operationId": name,
        "tags": [words[0]],
        "summary": route.summary,
        "description": _asks_for(route.permission),
        "parameters": _parameters(route, components),
        "responses": _responses(route),
        "security": _security(route),
    }
    if route.form is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"multipart/form-data": {"schema": dict(route.form)}},
        }
    elif route.body is not None:
        operation["requestBody"] = {
            "required": route.body_needed,
            "content": {"application/json": {"schema": {"$ref": _REF + route.body.__name__}}},
        }
    return operation


def _security(route: RestRoute) -> list[dict[str, list[str]]]:
    """Return the ways in: a token, or a browser's session, with its page's word for a change."""
    if route.permission is Permission.PUBLIC:
        return []
    page: dict[str, list[str]] = {} if route.method in SAFE_METHODS else {"page": []}
    # While nobody has an account, callcamp answers this machine without any of them.
    return [{"token": []}, {"session": [], **page}, {"session_https": [], **page}, {}]


def _asks_for(permission: Permission) -> str:
    if permission is Permission.PUBLIC:
        return "Open to everybody."
    scopes = [scope.value for scope in TokenScope if permission in OF_SCOPE[scope]]
    if not scopes:
        return f"Asks for `{permission.value}`: for people with an account, no token may do it."
    return f"Asks for `{permission.value}`: tokens of scope {', '.join(scopes)}."


def _parameters(route: RestRoute, components: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": _PATH.get(name, _ID)}
        for name in route.parameters
    ]
    query = components.get(route.query.__name__, {})
    for name, schema in query.get("properties", {}).items():
        found.append(_query_parameter(route, name, schema, name in query.get("required", ())))
    for name, text in route.request_headers.items():
        header = {"name": name, "in": "header", "required": True, "description": text}
        found.append(
            {**header, "schema": {"type": "string", "pattern": _ETAG, "examples": ['"1"']}}
        )
    return [*found, _KEY] if route.replays else found


def _query_parameter(
    route: RestRoute, name: str, schema: Mapping[str, Any], required: bool
) -> dict[str, Any]:
    bare = {key: value for key, value in schema.items() if key not in {"default", "title"}}
    if "anyOf" in bare:
        given = [one for one in bare.pop("anyOf") if one != {"type": "null"}]
        bare = {**given[0], **bare}
    parameter: dict[str, Any] = {"name": name, "in": "query", "required": required}
    if text := bare.pop("description", ""):
        parameter["description"] = text
    if name == "fields" and issubclass(route.query, FieldsQuery):
        items = {"type": "string", "enum": route.field_names()}
        bare = {"type": "array", "items": items, "minItems": 1}
        parameter |= {"style": "form", "explode": False}
    return {**parameter, "schema": bare}


def _responses(route: RestRoute) -> dict[str, Any]:
    statuses = {400, 401, 403, 404, 429, 503, *route.also}
    if route.permission is Permission.PUBLIC:
        statuses -= {401, 403, 404}
    if route.method != "GET":
        statuses |= {409, 413}
    if route.body is not None:
        statuses |= {413, 415}
    found = {str(route.status): _success(route)}
    for status in sorted(statuses):
        if status < 300:
            found[str(status)] = _success(route, _MEANING[200])
        else:
            content = {"application/json": {"schema": {"$ref": _REF + "Failure"}}}
            found[str(status)] = {"description": _MEANING[status], "content": content}
    return found


def _success(route: RestRoute, text: str = "") -> dict[str, Any]:
    response: dict[str, Any] = {"description": text or _MEANING[route.status]}
    if route.answer_headers:
        response["headers"] = {
            name: {"description": words, "schema": {"type": "string"}}
            for name, words in route.answer_headers.items()
        }
    if route.answer is not None:
        schema = {"$ref": _REF + route.answer.__name__}
        response["content"] = {"application/json": {"schema": schema}}
    elif route.media:
        response["content"] = {kind: {"schema": {"type": "string"}} for kind in route.media}
    return response


def _linked(value: Any) -> Any:
    """Return a copy whose placeholders for settings are references."""
    if isinstance(value, dict):
        if "x-schema" in value:
            return {"$ref": _REF + value["x-schema"]}
        return {key: _linked(one) for key, one in value.items()}
    return [_linked(one) for one in value] if isinstance(value, list) else value
