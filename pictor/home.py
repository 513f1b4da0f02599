"""The landing page and the living catalogue of components."""

from django.http import HttpResponse


def home(request):
    return HttpResponse(status=503)


def styleguide(request):
    return HttpResponse(status=503)
