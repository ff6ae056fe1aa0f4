"""Errors as people and machines read them: RFC 9457 documents, or a page with the same words and what to do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException

from alerts.api import AlertsError
from alerts.api import NotFound as NoIncident
from collector.api import CollectorError, NotAllowed, NotFound
from dashboards.board.faults import Refused
from dashboards.board.render import Renderer
from dashboards.board.visit import Ask, answer, chosen_lang, visit
from dashboards.board.words import Words, catalogue
from wire.messages import Problem

_LOG: Final = logging.getLogger("motcua.board")
_KNOWN: Final = frozenset({400, 403, 404, 405, 421, 500, 503})

_BACK: Final = frozenset({"t", "incidents"})

Handler = Callable[[Ask, Exception], Response[bytes]]


def handlers(render: Renderer) -> dict[type[Exception] | int, Handler]:
    """Exception handlers for the application: every error becomes a problem, none a trace."""

    def respond(request: Ask, error: Exception) -> Response[bytes]:
        response = problem_answer(request, problem_of(request, error), render)
        if isinstance(error, Refused) and error.wait_ms:
            response.headers["retry-after"] = str(-(-error.wait_ms // 1000))
        return response

    return {Exception: respond}


def problem_of(request: Ask, error: Exception) -> Problem:
    """Which problem an error is, in the reader's language."""
    words = catalogue(chosen_lang(request))
    path = request.url.path
    match error:
        case Refused():
            return _problem(words, error.status, error.code, path, **error.told)
        case NotFound() | NoIncident():
            return _problem(words, 404, _missing(path), path)
        case AlertsError():
            return _refused(words, str(error), path)
        case CollectorError():
            status = 403 if isinstance(error, NotAllowed) else 503
            _LOG.log(logging.INFO if status == 403 else logging.WARNING, "event=refused path=%s error=%r", path, error)
            return _problem(words, status, "refused", path)
        case HTTPException():
            return _problem(words, error.status_code if error.status_code in _KNOWN else 400, "", path)
        case _:
            _LOG.error("event=page_failed path=%s", path, exc_info=error)
            return _problem(words, 500, "", path)


def _missing(path: str) -> str:
    kinds = {
        "centres": "no_centre",
        "observations": "no_observation",
        "subjects": "no_subject",
        "systems": "no_system",
        "lines": "no_line",
        "incidents": "no_incident",
        "t": "no_incident",
    }
    return kinds.get(path.split("/")[1], "404")


def _refused(words: Words, why: str, path: str) -> Problem:
    """What the alerts refuse says itself why, in English."""
    told = _problem(words, 409, "incident_refused", path)
    return msgspec.structs.replace(told, detail=why) if why and words.lang == "en" else told


def _problem(words: Words, status: int, code: str, path: str, **told: str) -> Problem:
    def text(*keys: str) -> str:
        return next((words(f"problem.{key}", **told) for key in keys if f"problem.{key}" in words.texts), "")

    return Problem(
        title=text(f"title_{status}", "title_400"),
        status=status,
        detail=text(code, f"detail_{code}", f"detail_{status}"),
        instance=path[:200],
        code=code if code and not code.isdigit() else f"http_{status}",
        remedy=text(f"{code}_remedy", f"remedy_{status}"),
    )


def problem_answer(request: Ask, problem: Problem, render: Renderer) -> Response[bytes]:
    """A page for a browser, the document for everything else."""
    if "text/html" in request.headers.get("accept", "") and "hx-request" not in request.headers:
        seen = visit(request, None)
        values = {"problem": problem, "title": problem.title, "here": "", **_way_back(problem.instance)}
        text = render("problem.html", seen, values)
        return answer(request, text, status=problem.status)
    document = msgspec.json.encode(problem).decode()
    return answer(request, document, media_type="application/problem+json", status=problem.status)


def _way_back(path: str) -> dict[str, object]:
    """Where one who acted on an incident came from; a signed link leads to nothing else of the board."""
    first, _, rest = path.lstrip("/").partition("/")
    own = f"/{first}/{rest.partition('/')[0]}"
    guest = first == "t"
    return {"shell": "incidents/phone_base.html" if guest else "base.html", "back": own if first in _BACK else ""}
