"""`POST /feedback`: rewards and the truth for rows of an answer, however late."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, Response, request

from ..errors import quoted
from ..web.authorization import check_target
from ..web.http.bodies import read_whole
from ..web.http.responses import json_response
from ..web.protocols import Service
from .body import error_at, read_feedback, refuse
from .errors import FeedbackForbidden, UnknownAnswer
from .service import current
from .truth import Outcome, outcome


def blueprints(_service: Service) -> Iterable[Blueprint]:
    """Return the route; it answers 403 unless MMF_FEEDBACK is set."""
    routes = Blueprint("feedback", __name__)
    feedback = current()

    @routes.post("/feedback")
    def give() -> Response:
        if feedback is None:
            raise FeedbackForbidden("this service takes no feedback (set MMF_FEEDBACK=1)")
        answer_id, reported = read_feedback(read_whole(request))
        answer = feedback.find(answer_id)
        if answer is None:
            raise UnknownAnswer(
                f"no answer is known by the id {quoted(answer_id)}: expected the X-Request-ID of a "
                "response, or the id of a task, of the last MMF_FEEDBACK_DAYS"
            )
        check_target(answer.target)
        predictions = answer.predictions
        outcomes, errors = list[tuple[int, Outcome]](), []
        for each in reported:
            if each.row >= predictions.rows:
                message = f"the answer has no row {quoted(each.row)}; it has {predictions.rows}"
                errors.append(error_at(each.place, message, "row", each.row))
            elif each.truth is not None:
                try:
                    outcomes.append((each.row, outcome(predictions, each.row, each.truth)))
                except ValueError as error:
                    errors.append(error_at(each.place, str(error), "truth", each.truth))
        refuse(errors)
        rewards = [(each.row, each.reward) for each in reported if each.reward is not None]
        feedback.store.give(answer, rewards, outcomes)
        return json_response({"request_id": answer_id, "rows": len(reported)}, 202)

    return [routes]
