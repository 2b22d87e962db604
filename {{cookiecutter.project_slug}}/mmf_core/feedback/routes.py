"""`POST /feedback`: rewards and the truth for rows of a response, at any time."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, Response, request

from ..errors import quoted
from ..web.authorization import check_target
from ..web.http.bodies import read_whole
from ..web.http.responses import json_response
from ..web.protocols import Service
from .body import error_at, raise_errors, read_feedback
from .errors import FeedbackForbidden, UnknownResponse
from .service import current
from .truth import Outcome, outcome


def blueprints(_service: Service) -> Iterable[Blueprint]:
    """Return the route; it responds with 403 unless MMF_FEEDBACK is set."""
    routes = Blueprint("feedback", __name__)
    feedback = current()

    @routes.post("/feedback")
    def submit() -> Response:
        if feedback is None:
            raise FeedbackForbidden("this service accepts no feedback (set MMF_FEEDBACK=1)")
        response_id, rows = read_feedback(read_whole(request))
        stored = feedback.find(response_id)
        if stored is None:
            raise UnknownResponse(
                f"no response has the id {quoted(response_id)}: expected the X-Request-ID of a "
                "response, or the id of a task, of the last MMF_FEEDBACK_DAYS"
            )
        check_target(stored.target)
        predictions = stored.predictions
        outcomes, errors = list[tuple[int, Outcome]](), []
        for entry in rows:
            if entry.row >= predictions.rows:
                message = f"the response has no row {quoted(entry.row)}; it has {predictions.rows}"
                errors.append(error_at(entry.index, message, "row", entry.row))
            elif entry.truth is not None:
                try:
                    outcomes.append((entry.row, outcome(predictions, entry.row, entry.truth)))
                except ValueError as error:
                    errors.append(error_at(entry.index, str(error), "truth", entry.truth))
        raise_errors(errors)
        rewards = [(entry.row, entry.reward) for entry in rows if entry.reward is not None]
        feedback.store.record(stored, rewards, outcomes)
        return json_response({"request_id": response_id, "rows": len(rows)}, 202)

    return [routes]
