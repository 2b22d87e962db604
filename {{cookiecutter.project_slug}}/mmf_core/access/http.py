"""Tokens in HTTP requests: what is checked before any view, and what a refusal looks like."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from functools import partial
from typing import Any, cast

from flask import Blueprint, Flask, Response, after_this_request, request
from flask.blueprints import BlueprintSetupState

from ..errors import shortened
from ..web.authorization import ADMIN, OPEN, Authorization, authorization
from ..web.errors import error_response
from ..web.protocols import Service
from ..web.request_context import INTERNAL, RequestContext, current_context
from .api_keys import PREFIX
from .authorizer import TokenAuthorizer
from .errors import AccessError, malformed
from .rate_limiter import Quota
from .settings import AccessSettings

_JWT = r"eyJ[\w-]{17,}\.eyJ[\w-]{17,}\.[\w-]{43,}"  # the shortest header and signature
_TOKEN = re.compile(rf"(?<![\w-])(?:{_JWT}|{PREFIX}[\w-]{{43}}(?![\w-]))", re.ASCII)
"""A whole JWT or API key."""
_IN_QUERY = re.compile(rf"(?:^|&)access_token=|{_TOKEN.pattern}", re.ASCII)
"""A query with a token: by its name (RFC 6750, 2.3), or with a whole JWT or API key in it."""
_IN_URL = "a token belongs in the Authorization header, never in the URL"
_audit_log = logging.getLogger("mmf.audit")


def blueprints(_service: Service) -> Iterable[Blueprint]:
    """Return the check of each request before it is served, if any may be refused."""
    if not AccessSettings.from_env().is_on:
        return []
    routes = Blueprint("access", __name__)
    routes.record_once(_install)
    routes.app_errorhandler(AccessError)(_refuse)
    return [routes]


def _install(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    installed = authorization(app)
    authorizer = cast("TokenAuthorizer", installed.authorizer)
    app.before_request(partial(_authorize, installed, authorizer))


def _authorize(installed: Authorization, authorizer: TokenAuthorizer) -> Response | None:
    """Let a request pass, or raise AccessError: before its body is read, and before any view.

    If no route matches, the response depends on the token as anywhere: it reveals no routes.
    """
    context = current_context()
    if context is None:
        raise RuntimeError("expected the middleware of mmf_core around the application")
    environ = context.environ
    if INTERNAL in environ:
        return None
    if _TOKEN.search(context.path):
        context.path = _TOKEN.sub("***", context.path)  # for the log
        request.path = _TOKEN.sub("***", request.path)  # for the response, whose instance it is
        raise malformed(_IN_URL)
    if (query := environ.get("QUERY_STRING")) and _IN_QUERY.search(query):
        raise malformed(_IN_URL)
    if environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ:
        # Browsers send preflights without a token: they get the same response for every path.
        return Response(status=204)
    endpoint = request.endpoint
    group = installed.group_of(endpoint)
    if group == OPEN:
        return None
    if group is None and endpoint is not None:  # a route of the author's own
        group = ADMIN
    caller, quota = authorizer.admit(
        {"authorization": environ.get("HTTP_AUTHORIZATION", "")},
        group,
        installed.target_of(endpoint, request.view_args or {}),
        address=environ.get("REMOTE_ADDR", ""),
    )
    context.caller = caller
    context.log_fields = {**context.log_fields, **caller.log_fields}
    if quota:
        after_this_request(partial(_add_quota, quota))
    return None


def _add_quota(quota: Quota, response: Response) -> Response:
    response.headers.update(quota.headers())
    return response


def _refuse(error: AccessError) -> Response:
    """Respond as the protocol of the request does, and write the line of the audit."""
    write_audit_line(error, current_context())
    response = error_response(error.status, error.detail)
    response.headers.update(error.headers)
    response.headers["Cache-Control"] = "no-store"
    return response


def write_audit_line(error: AccessError, context: RequestContext | None, **fields: Any) -> None:
    """Write which caller was refused, what, and why; a token is never in it."""
    if context:
        fields = {
            "method": context.method,
            "path": shortened(context.path, 200),
            "client": context.environ.get("REMOTE_ADDR"),
            **fields,
        }
    fields |= {**error.log_fields, "status": error.status, "reason": error.detail}
    caller = fields.get("caller") or "unknown caller"
    call = f"{fields.get('method', '')} {fields.get('path', '')}".strip()
    _audit_log.warning("refused %s: %s: %s", caller, call, error.detail, extra=fields)
