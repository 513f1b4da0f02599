"""How often a creator, or a stranger with a link, may have us work: the next one more is answered 429, and nothing is done."""

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from rendering.models import Film, Job
from rendering.services.watching import share_job
from tests import builders

pytestmark = pytest.mark.django_db

# name of the limit, of the address, method; a request too many of each
LIMITED = [
    ("film", "rendering:job-film", "post"),
    ("zip", "rendering:job-zip", "get"),
    ("again", "rendering:job-requeue", "post"),
    ("again-price", "rendering:job-again", "get"),
    ("share", "rendering:job-share", "post"),
    ("quote", "rendering:job-quote", "get"),
    ("fit", "rendering:job-fit", "get"),
    ("probe", "rendering:job-probe", "post"),
    ("submit", "rendering:job-submit", "post"),
    ("copy", "rendering:job-copy", "post"),
]
WATCH = [("watch", "rendering:watch", ()), ("watch", "rendering:watch-part", ("strip",)), ("watch", "rendering:watch-frame", (1,)),
         ("watch-picture", "rendering:watch-image", (1, "thumb"))]  # fmt: skip


def exhaust(name: str, who: str) -> None:
    """As if `who` had done it a million times in this window."""
    cache.set(f"limit:{name}:{who}", 1_000_000, timeout=600)


def shared(owner):
    builders.give(owner, 50_000_000)
    return share_job(builders.make_job(owner, status="completed"), "unlisted")


class CreatorsLimitsTests:
    @pytest.mark.parametrize(("limit", "name", "method"), LIMITED, ids=[row[0] for row in LIMITED])
    def test_one_too_many_is_refused_with_words_and_a_time(self, limit, name, method, alice, chen, signed_in):
        job = builders.make_job(alice)
        exhaust(limit, f"user:{alice.pk}")
        response = getattr(signed_in(alice), method)(reverse(name, args=[job.pk]), {"frames": "1-2"})
        assert (response.status_code, int(response["Retry-After"]) > 0) == (429, True)
        assert b"Try again in" in response.content
        assert Job.objects.count() == 1
        assert not Film.objects.exists()
        assert getattr(signed_in(chen), method)(reverse(name, args=[job.pk])).status_code == 404, "others are counted apart"

    def test_a_part_of_a_page_is_refused_in_plain_words(self, alice, signed_in):
        job = builders.make_job(alice)
        exhaust("quote", f"user:{alice.pk}")
        response = signed_in(alice).get(reverse("rendering:job-quote", args=[job.pk]), headers={"HX-Request": "true"})
        assert (response.status_code, response["Content-Type"]) == (429, "text/plain; charset=utf-8")
        assert response["Cache-Control"] == "no-store"

    def test_who_works_as_people_do_never_meets_it(self, alice, signed_in):
        job, browser = builders.make_job(alice), signed_in(alice)
        assert {browser.get(reverse("rendering:job-quote", args=[job.pk])).status_code for _ in range(40)} == {200}


class WatchersLimitsTests:
    @pytest.mark.parametrize(("limit", "name", "more"), WATCH, ids=[row[1].partition(":")[2] for row in WATCH])
    def test_an_address_that_asks_without_end_waits(self, limit, name, more, alice):
        link = shared(alice)
        address = reverse(name, args=[link.token, *more])
        exhaust(limit, "address:203.0.113.9")
        assert Client(REMOTE_ADDR="203.0.113.9").get(address).status_code == 429
        assert Client(REMOTE_ADDR="198.51.100.7").get(address).status_code == 200

    def test_guessing_tokens_is_counted_too(self):
        exhaust("watch", "address:203.0.113.9")
        response = Client(REMOTE_ADDR="203.0.113.9").get(reverse("rendering:watch", args=["v_guess"]))
        assert response.status_code == 429

    def test_behind_a_proxy_the_visitor_is_counted_and_not_the_proxy(self, alice, settings):
        settings.TRUSTED_PROXY_COUNT = 1
        link = shared(alice)
        exhaust("watch", "address:203.0.113.9")
        statuses = [
            Client().get(reverse("rendering:watch", args=[link.token]), headers={"X-Forwarded-For": who}).status_code
            for who in ("203.0.113.9", "198.51.100.7, 203.0.113.9", "203.0.113.9, 198.51.100.7")
        ]
        assert statuses == [429, 429, 200]
