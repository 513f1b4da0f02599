"""How often one person or address may do a thing: counters in the cache, one per window. A lost counter lets one pass."""

import ipaddress
from collections.abc import Callable, Mapping
from functools import wraps

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from common.words import plural


def is_within(name: str, who: str, *, limit: int, seconds: int) -> bool:
    """Count one more `name` by `who`; False once there were more than `limit` in the present window of `seconds`."""
    key = f"limit:{name}:{who}"
    if cache.add(key, 1, timeout=seconds):
        return True
    try:
        return cache.incr(key) <= limit
    except ValueError:  # the window ended between the two calls
        return True


def caller(request: HttpRequest) -> str:
    """Who is counted: the user when signed in, else the address."""
    if request.user.is_authenticated:
        return f"user:{request.user.pk}"
    return f"address:{address_of(request)}"


def address_of(request: HttpRequest) -> str:
    """The visitor's address: of the connection, or as the outermost trusted proxy saw it."""
    return address_in(request.META)


def visitor_ip(request: HttpRequest) -> str | None:
    """The visitor's address in full, to be shown to the person it is of; None where a proxy names none."""
    said = believed_address(request.META.get("HTTP_X_FORWARDED_FOR", ""), request.META.get("REMOTE_ADDR", ""))
    try:
        return str(ipaddress.ip_address(said))
    except ValueError:
        return None


def address_in(environ: Mapping) -> str:
    """The same from a WSGI environ."""
    return trusted_address(environ.get("HTTP_X_FORWARDED_FOR", ""), environ.get("REMOTE_ADDR", ""))


def address_of_socket(scope: Mapping) -> str:
    """The same from an ASGI scope."""
    forwarded = [value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"x-forwarded-for"]
    return trusted_address(",".join(forwarded), (scope.get("client") or ("",))[0])


def trusted_address(forwarded_for: str, connected_from: str) -> str:
    """Who is counted. IPv6 counts by its /64: whoever has one address has all of that network."""
    return _network_of(believed_address(forwarded_for, connected_from))


def believed_address(forwarded_for: str, connected_from: str) -> str:
    """What a visitor wrote into X-Forwarded-For stands before what our own proxies added, and is not believed."""
    forwarded = [part.strip() for part in forwarded_for.split(",") if part.strip()]
    count = settings.TRUSTED_PROXY_COUNT
    return forwarded[-count] if count and len(forwarded) >= count else connected_from


def _network_of(address: str) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    mapped = getattr(found, "ipv4_mapped", None)
    if found.version == 4 or mapped:
        return str(mapped or found)
    return str(ipaddress.ip_network((found.packed[:8] + bytes(8), 64)))


def limited(name: str, *, limit: int, seconds: int, method: str = "POST") -> Callable:
    """Decorate a view: more than `limit` requests of `method` in `seconds` by one caller are answered 429."""

    def decorate(view: Callable) -> Callable:
        @wraps(view)
        def counted(request: HttpRequest, *args, **kwargs):
            if request.method == method and not is_within(name, caller(request), limit=limit, seconds=seconds):
                return too_many(request, seconds)
            return view(request, *args, **kwargs)

        return counted

    return decorate


def too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    """429 with the time after which it is worth another try: a page, or plain words for a part of one."""
    minutes = -(-seconds // 60)
    if request.headers.get("HX-Request"):
        words = f"Too many tries in a short time. Try again in {plural(minutes, 'minute')}."
        response = HttpResponse(words, status=429, content_type="text/plain; charset=utf-8")
    else:
        response = render(request, "errors/429.html", {"minutes": minutes}, status=429)
    response["Retry-After"] = str(seconds)
    response["Cache-Control"] = "no-store"
    return response
