"""How often one person or address may do a thing: counters in the cache, one per window. A lost counter lets one pass."""

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.shortcuts import render


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
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    count = settings.TRUSTED_PROXY_COUNT
    if count and len(forwarded) >= count:
        return forwarded[-count]
    return request.META.get("REMOTE_ADDR", "")


def limited(name: str, *, limit: int, seconds: int) -> Callable:
    """Decorate a view: more than `limit` POSTs in `seconds` by one caller are answered 429."""

    def decorate(view: Callable) -> Callable:
        @wraps(view)
        def counted(request: HttpRequest, *args, **kwargs):
            if request.method == "POST" and not is_within(name, caller(request), limit=limit, seconds=seconds):
                return too_many(request, seconds)
            return view(request, *args, **kwargs)

        return counted

    return decorate


def too_many(request: HttpRequest, seconds: int):
    """429 with the time after which it is worth another try."""
    response = render(request, "errors/429.html", {"minutes": -(-seconds // 60)}, status=429)
    response["Retry-After"] = str(seconds)
    return response
