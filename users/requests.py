"""The request that a view gets behind `login_required`."""

from django.http import HttpRequest

from users.models import User


class SignedIn(HttpRequest):
    """For annotations: somebody is signed in. Django makes no such object; it makes plain requests."""

    user: User
