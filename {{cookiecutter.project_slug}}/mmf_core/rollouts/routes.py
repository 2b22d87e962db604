"""`/rollout`: the state of a rollout, and changes to it, if the operator allows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from flask import Blueprint, Request, Response, request

from ..codecs import RepeatedNames, read_json, with_repeated_names
from ..errors import InvalidValue, MMFError, RequestError, quoted
from ..web.http.bodies import read_whole
from ..web.http.codec_options import limits
from ..web.http.responses import json_response
from ..web.protocols import Service
from . import changes
from .compare_route import compare_versions
from .plan import PlanError
from .service import current, describe
from .settings import RolloutSettings


class RolloutForbidden(RequestError):
    """Requests may not read or change the rollout (RFC 9110, 15.5.4)."""

    status = 403


class RolloutConflict(RequestError):
    """No rollout is in progress that could be changed (RFC 9110, 15.5.10)."""

    status = 409


class PlanNotWritten(MMFError):
    """The plan's file cannot be written."""

    status: ClassVar[int] = 503


def blueprints(_service: Service) -> Iterable[Blueprint]:
    """Return the routes; they respond with 403 unless MMF_ADMIN_HTTP is set."""
    routes = Blueprint("rollout", __name__)
    settings = RolloutSettings.from_env()

    @routes.get("/rollout")
    def show() -> Response:
        _check(settings)
        return json_response(describe())

    @routes.put("/rollout")
    def change() -> Response:
        _check(settings)
        try:
            _apply(_body(request), settings)
        except PlanError as error:
            raise InvalidValue(str(error)) from error
        except changes.NoRollout as error:
            raise RolloutConflict(str(error)) from error
        except OSError as error:
            raise PlanNotWritten(
                f"{settings.file.name} cannot be written: {error.strerror}"
            ) from error
        return json_response(describe(), 202)

    @routes.post("/rollout/compare")
    def compare() -> Response:
        _check(settings)
        if (rollout := current()) is None:
            raise RolloutConflict("no candidate is loaded; start a rollout, at least with --dark")
        return compare_versions(rollout)

    return [routes]


def _check(settings: RolloutSettings) -> None:
    if not settings.http:
        raise RolloutForbidden("requests may not see the rollout (set MMF_ADMIN_HTTP=1)")


def _body(request: Request) -> Any:
    """Read a JSON body; InvalidValue if a name is repeated."""
    text = read_whole(request)
    body = with_repeated_names(text, read_json(text, limits()))
    if isinstance(body, RepeatedNames):
        raise InvalidValue(f"expected each name once, got {quoted(body.repeated)} twice")
    return body


def _apply(body: Any, settings: RolloutSettings) -> None:
    """Apply a body: `{"traffic": 20}`, `{"action": "promote"}`, or `{"action": "abort"}`."""
    if not isinstance(body, Mapping) or not body:
        raise InvalidValue('expected {"traffic": 20, "mirror": 0} or {"action": "promote"}')
    actions = {"promote": changes.promote, "abort": changes.abort}
    if "action" not in body:
        shares = {name: value for name, value in body.items() if name in {"traffic", "mirror"}}
        if unknown := [str(name) for name in body if name not in shares]:
            raise InvalidValue(f"unknown member {unknown[0]}; expected traffic, mirror or action")
        changes.set_shares(settings.file, **shares)
    elif len(body) == 1 and isinstance(name := body["action"], str) and name in actions:
        actions[name](settings.file)
    else:
        raise InvalidValue(f"expected one action of {', '.join(actions)}, and nothing else")
