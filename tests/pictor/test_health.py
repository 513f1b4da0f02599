import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from pictor import health
from pictor.management.commands import doctor

pytestmark = pytest.mark.django_db


def nothing() -> None:
    """A part that works."""


def broken() -> None:
    raise health.NotReady("it is gone")


class LiveTests:
    def test_it_answers_without_looking_at_anything(self, client, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert client.get(reverse("health-live")).json() == {"status": "alive"}


class ReadyTests:
    def test_a_whole_site_is_ready(self, client):
        response = client.get(reverse("health-ready"))
        assert (response.status_code, response.json()) == (200, {"status": "ready"})

    def test_without_redis_it_says_so(self, client, monkeypatch):
        import redis

        monkeypatch.setattr("common.realtime.connection", lambda: redis.Redis(port=1))
        response = client.get(reverse("health-ready"))
        assert response.status_code == 503
        assert list(response.json()["reasons"]) == ["redis"]

    def test_a_full_disk_is_a_reason(self, client, monkeypatch):
        monkeypatch.setattr(health, "DISK_FREE_BYTES_MIN", 2**62)
        assert "free" in client.get(reverse("health-ready")).json()["reasons"]["storage"]

    def test_a_missing_migration_is_a_reason(self):
        from django.db.migrations.recorder import MigrationRecorder

        MigrationRecorder.Migration.objects.filter(app="users").delete()
        assert "manage.py migrate" in health.why_not(health.probe_migrations)


class MetricsTests:
    def test_this_machine_may_read_them(self, client):
        page = client.get(reverse("metrics")).content.decode()
        assert "pictor_work_waiting 0.0" in page
        assert "process_resident_memory_bytes" in page

    @pytest.mark.parametrize(
        "elsewhere", [{"REMOTE_ADDR": "203.0.113.9"}, {"HTTP_X_FORWARDED_FOR": "203.0.113.9"}, {"REMOTE_ADDR": ""}]
    )
    def test_for_others_they_do_not_exist(self, client, elsewhere):
        assert client.get(reverse("metrics"), **elsewhere).status_code == 404

    def test_with_a_token_only_its_bearer_may(self, client, settings):
        settings.METRICS_TOKEN = "s3cret"
        assert client.get(reverse("metrics")).status_code == 404
        assert client.get(reverse("metrics"), headers={"Authorization": "Bearer wrong"}).status_code == 404
        assert (
            client.get(reverse("metrics"), headers={"Authorization": "Bearer s3cret"}, REMOTE_ADDR="203.0.113.9").status_code
            == 200
        )


class DoctorTests:
    def test_it_names_what_is_wrong_and_what_to_do(self, monkeypatch, capsys):
        monkeypatch.setattr(doctor, "checks", lambda: {"one": (nothing, ""), "two": (broken, "Mend it.")})
        with pytest.raises(CommandError, match="two"):
            call_command("doctor")
        said = capsys.readouterr().out
        assert "ok    one" in said
        assert "wrong two: it is gone\n        Mend it." in said

    def test_a_sound_machine_is_in_order(self, monkeypatch, capsys):
        monkeypatch.setattr(doctor, "checks", lambda: {"one": (nothing, "")})
        call_command("doctor")
        assert "Everything is in order." in capsys.readouterr().out

    def test_the_owner_of_the_tables_is_noticed(self):
        assert "may change or delete transfers" in health.why_not(doctor.probe_roles)

    def test_a_program_that_fails_gives_its_last_words(self):
        with pytest.raises(health.NotReady, match="sh failed: alas"):
            doctor.succeeds("sh", ["sh", "-c", "echo alas >&2; exit 3"])
