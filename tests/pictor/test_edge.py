"""What every answer carries: policies, headers, limits."""

import re
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils.text import capfirst

from pictor.console import NAVIGATION
from workers.models import Worker

pytestmark = pytest.mark.django_db


class PolicyTests:
    def test_pages_run_no_inline_script_or_style(self, client):
        policy = client.get(reverse("users:sign-in"))["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy

    def test_pages_may_open_the_live_socket(self, client, settings):
        assert settings.LIVE_URL in client.get(reverse("users:sign-in"))["Content-Security-Policy"]

    def test_only_the_admin_may_evaluate(self, signed_in, sam):
        policy = signed_in(sam).get(reverse("admin:index"))["Content-Security-Policy"]
        assert "'unsafe-eval'" in policy
        assert "frame-ancestors 'none'" in policy

    def test_no_page_of_ours_carries_inline_script_or_style(self, client):
        page = client.get(reverse("users:sign-in")).content.decode()
        assert "style=" not in page
        assert "<script>" not in page
        assert " onclick=" not in page

    def test_the_usual_headers_are_there(self, client):
        response = client.get(reverse("users:sign-in"))
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["X-Frame-Options"] == "DENY"
        assert response["Referrer-Policy"] == "same-origin"


class SignInAgainTests:
    def test_a_fragment_of_a_signed_out_viewer_reloads_its_page(self, client):
        response = client.get(reverse("users:profile"), headers={"HX-Request": "true"})
        assert (response.status_code, response["HX-Refresh"]) == (204, "true")

    def test_a_page_still_leads_to_sign_in(self, client):
        assert client.get(reverse("users:profile"))["Location"].startswith(reverse("users:sign-in"))


class LimitTests:
    def test_guessing_an_operators_password_is_slowed_down(self, client):
        guess = {"username": "sam", "password": "wrong"}
        statuses = [client.post(reverse("admin:login"), guess).status_code for _ in range(11)]
        assert statuses == [200] * 10 + [429]


class ConsoleTests:
    def test_every_entry_of_its_sidebar_leads_somewhere(self, signed_in, sam):
        browser = signed_in(sam)
        for group in NAVIGATION:
            for entry in group["items"]:
                assert browser.get(str(entry["link"])).status_code == 200, entry["title"]

    def test_its_sidebar_marks_where_one_is(self, signed_in, sam):
        page = signed_in(sam).get(reverse("admin:users_user_changelist")).content.decode()
        marked = re.findall(r'<a href="([^"]+)" class="[^"]* active">', page)
        assert marked == [reverse("admin:users_user_changelist")]

    def test_a_row_that_is_only_read_says_every_field_as_text(self, signed_in, sam, alice):
        node = Worker.objects.create(owner=alice, name="<b>loud</b>")
        page = signed_in(sam).get(reverse("admin:workers_worker_change", args=[node.pk])).content.decode()
        fields = [field for field in Worker._meta.fields if field.editable and not field.primary_key]
        assert page.count('class="readonly ') == len(fields)
        assert all(f">{capfirst(field.verbose_name)}</label>" in page for field in fields)
        assert ">&lt;b&gt;loud&lt;/b&gt;</div>" in page
        assert "<b>loud" not in page

    def test_people_are_switched_off_not_deleted(self, signed_in, sam, alice):
        browser = signed_in(sam)
        assert browser.get(reverse("admin:users_user_change", args=[alice.pk])).status_code == 200
        assert browser.post(reverse("admin:users_user_delete", args=[alice.pk]), {"post": "yes"}).status_code == 403


class StoreTests:
    def test_others_on_the_machine_cannot_read_stored_files(self):
        key = default_storage.save("probes/secret/scene", ContentFile(b"x"))
        path = Path(default_storage.path(key))
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0


class PrivatePagesTests:
    @pytest.mark.parametrize("name", ["home", "rendering:job-list", "rendering:scene-list", "credit:overview", "users:profile"])
    def test_no_cache_keeps_a_persons_page_for_others(self, name, signed_in, alice):
        assert signed_in(alice).get(reverse(name))["Cache-Control"] == "private, no-cache"
