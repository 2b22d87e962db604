"""Host names that the service accepts, and pages that may have a browser send requests to it.

Any page can have its visitor's browser send a form to a service that only the visitor can reach.
Browsers say where a request comes from (Fetch Metadata, RFC 6454); programs do not, and may send
what they like. A name under an attacker's control can point to the service's own address (DNS
rebinding), so that its pages are of the same origin: MMF_ALLOWED_HOSTS is against that.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.sansio.utils import host_is_trusted

from ..errors import quoted
from .errors import error_response
from .request_context import current_context

_SAFE = {"GET", "HEAD", "OPTIONS"}  # they call no target
_OWN = {"same-origin", "none"}  # none: not by a page, but by the user


def install(
    app: Flask, hosts: Collection[str], origins: Collection[str], probes: Collection[str]
) -> None:
    """Refuse requests to other names than `hosts`, if there are any, and from foreign pages.

    `origins` are those of pages that may send requests; "*" is all. `probes` are paths of health
    checks, which are served under any name.
    """
    if hosts:
        app.before_request(lambda: _refuse_host(hosts, probes))
    if "*" not in origins:
        app.before_request(partial(_refuse_page, origins))


def _refuse_host(hosts: Collection[str], probes: Collection[str]) -> Response | None:
    host = request.environ.get("HTTP_HOST", "").lower()
    if host_is_trusted(host, hosts) or _is_address(host) or request.path in probes:
        return None
    return error_response(421, f"this service has no host {quoted(host)} (set MMF_ALLOWED_HOSTS)")


def _is_address(host: str) -> bool:
    """Report whether a host is an IP address: no attacker's page is served under ours."""
    try:
        ip_address(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
    return True


def _refuse_page(origins: Collection[str]) -> Response | None:
    context = current_context()  # a look through Flask's proxy takes as long as all of this
    environ = context.environ if context else request.environ
    origin, site = environ.get("HTTP_ORIGIN"), environ.get("HTTP_SEC_FETCH_SITE")
    if (origin is None and site is None) or environ["REQUEST_METHOD"] in _SAFE:
        return None
    if site in _OWN or (origin and origin.lower() in origins):
        return None
    if site is None and origin and _is_own(origin):  # a browser does not send it over plain HTTP
        return None
    page = f"a page of {quoted(origin)}" if origin else "a page of another site"
    return error_response(403, f"{page} may not send requests (set MMF_CORS_ORIGINS)")


def _is_own(origin: str) -> bool:
    """Report whether a page has the host of this request, or the host that a proxy received.

    The proxy's header need not be trusted: a page cannot set it without a preflight.
    """
    environ = request.environ
    hosts = [environ.get("HTTP_HOST", ""), *environ.get("HTTP_X_FORWARDED_HOST", "").split(",")]
    own = origin.lower().partition("://")[2]
    return bool(own) and own in {_without_port(host.strip().lower()) for host in hosts}


def _without_port(host: str) -> str:
    """Remove the port where a browser leaves it out of an origin."""
    return host.removesuffix(":80").removesuffix(":443")
