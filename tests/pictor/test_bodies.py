"""What is too large is refused before anything of it is read or written."""

import io

import pytest
from django.test import Client
from django.urls import reverse

from pictor import bodies

pytestmark = pytest.mark.django_db


class Unread(io.RawIOBase):
    """A body that nobody may read."""

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("it was read")


def send(browser: Client, name: str, size_bytes: int, *, method: str = "POST", args=()):
    """A form with a file of this size, announced and never sent; the form's token is wanted, as from a real browser."""
    browser.cookies["csrftoken"] = "a" * 32
    return browser.generic(
        method,
        reverse(name, args=args),
        CONTENT_TYPE="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(size_bytes),
        **{"wsgi.input": Unread()},
    )


class StrangersBodyTests:
    @pytest.mark.parametrize("name", ["users:persona-sign-in", "rendering:job-new", "rendering:upload-create", "admin:login"])
    def test_a_stranger_fills_no_disk(self, name):
        response = send(Client(enforce_csrf_checks=True), name, bodies.STRANGER_BYTES_MAX + 1)
        assert (response.status_code, b"Sign in first" in response.content) == (403, True)

    def test_a_small_form_is_read(self):
        with pytest.raises(AssertionError, match="it was read"):
            send(Client(enforce_csrf_checks=True), "users:sign-out", 100)


class MembersBodyTests:
    @pytest.mark.parametrize("name", ["users:profile", "rendering:upload-create"])
    def test_a_form_has_an_end(self, name, signed_in, alice):
        response = send(signed_in(alice), name, bodies.FORM_BYTES_MAX + 1)
        assert (response.status_code, b"too much for one request" in response.content) == (413, True)

    def test_the_plain_upload_takes_a_scene_and_no_more(self, signed_in, alice, settings):
        browser = signed_in(alice)
        assert send(browser, "rendering:job-new", settings.UPLOAD_BYTES_MAX + 2 * 1024**2).status_code == 413
        with pytest.raises(AssertionError, match="it was read"):
            send(browser, "rendering:job-new", bodies.FORM_BYTES_MAX + 1)

    def test_nodes_send_chunks_without_signing_in(self, client):
        response = send(client, "workers:file", 4 * 1024**2, method="PATCH", args=["not-a-token"])
        assert (response.status_code, response["Content-Type"]) == (403, "text/plain; charset=utf-8")
        assert send(client, "workers:file", bodies.FORM_BYTES_MAX + 1, method="PATCH", args=["not-a-token"]).status_code == 403


class LettingGoTests:
    @pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
    def test_what_was_read_of_a_large_body_is_not_kept_with_its_request(self, signed_in, alice, kind):
        body = b"x" * (bodies.STRANGER_BYTES_MAX + 1)
        response = signed_in(alice).post(reverse("rendering:upload-create"), body, content_type=kind)
        assert response.status_code == 400
        asked = response.wsgi_request
        assert (vars(asked).keys() & {"_body", "_post"}, asked.read()) == (set(), b"")
