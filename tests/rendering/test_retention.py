"""The end of scenes and frames: asked for, or announced a week ahead; what others need stays, and so does the money."""

import base64
import os
import threading
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connections
from django.urls import reverse

from common import clock
from rendering import background, ending, orphans, retention, services
from rendering.errors import NothingToDo
from rendering.models import Asset, Film, Job, Output, Scene
from rendering.services.submission import _store_thumbnail
from rendering.states import JobStatus
from tests.builders import NOW, check, deliver, give, make_job, make_scene, make_user, picture, png_bytes
from users.models import Notice, User

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def asset_of(scene: Scene) -> Asset:
    return scene.files.get().asset


def aged(job: Job, days: int) -> Job:
    """The job, and its scene, as if it had ended so many days before NOW."""
    then = NOW - days * DAY
    Job.objects.filter(pk=job.pk).update(finished_at=then, created_at=then)
    Scene.objects.filter(pk=job.scene_id).update(created_at=then)
    return Job.objects.get(pk=job.pk)


class DeleteSceneTests:
    def test_its_files_are_gone_at_once(self, django_capture_on_commit_callbacks):
        scene = make_job(status=JobStatus.COMPLETED, frames="1").scene
        key = asset_of(scene).storage_key
        with django_capture_on_commit_callbacks(execute=True):
            services.delete_scene(scene, NOW)
        assert not default_storage.exists(key)
        assert not Asset.objects.exists()
        assert Scene.objects.get().deleted_at == NOW

    def test_what_another_scene_of_the_owner_needs_stays(self, alice, django_capture_on_commit_callbacks):
        first, second = make_scene(alice), make_scene(alice, name="other.blend")
        with django_capture_on_commit_callbacks(execute=True):
            services.delete_scene(first, NOW)
        assert default_storage.exists(asset_of(second).storage_key)

    def test_the_same_file_of_another_owner_stays(self, alice, mallory, django_capture_on_commit_callbacks):
        mine, theirs = make_scene(alice), make_scene(mallory)
        with django_capture_on_commit_callbacks(execute=True):
            services.delete_scene(mine, NOW)
        assert default_storage.exists(asset_of(theirs).storage_key)

    @pytest.mark.parametrize("status", [JobStatus.INSPECTING, JobStatus.QUEUED, JobStatus.RENDERING, JobStatus.PAUSED])
    def test_a_job_that_needs_it_keeps_it(self, status):
        job = make_job(status=status)
        with pytest.raises(NothingToDo, match="still needs this scene"):
            services.delete_scene(job.scene, NOW)
        assert job.scene.files.exists()

    def test_a_job_that_was_not_submitted_is_cancelled(self):
        job = make_job(status=JobStatus.READY)
        services.delete_scene(job.scene, NOW)
        job.refresh_from_db()
        assert job.status == JobStatus.CANCELLED

    def test_frames_and_charges_of_its_jobs_stay_unless_asked(self):
        job = make_job(status=JobStatus.COMPLETED, frames="1")
        services.delete_scene(job.scene, NOW)
        job.refresh_from_db()
        assert Output.objects.accepted_of(job.pk).exists()
        assert job.charged_micros > 0

    def test_frames_go_along_when_asked(self):
        job = make_job(status=JobStatus.COMPLETED, frames="1")
        services.delete_scene(job.scene, NOW, with_frames=True)
        assert not Output.objects.accepted_of(job.pk).exists()

    def test_a_frame_of_a_deleted_scene_cannot_be_rendered_once_more(self):
        job = make_job(status=JobStatus.COMPLETED, frames="1")
        services.delete_scene(job.scene, NOW)
        job = Job.objects.get(pk=job.pk)
        with pytest.raises(NothingToDo, match="deleted"):
            services.requeue_tasks(job, job.tasks.values_list("pk", flat=True), now=NOW)

    @pytest.mark.django_db(transaction=True)
    def test_submitting_and_deleting_at_once_never_leaves_a_job_without_its_scene(self):
        job = make_job(status=JobStatus.READY, frames="1")

        def calmly(verb, *arguments):
            try:
                verb(*arguments)
            except Exception as error:  # either may be refused: what counts is what is left
                refused.append(error)
            finally:
                connections.close_all()

        refused: list = []
        both = [(services.submit_job, job, NOW), (services.delete_scene, job.scene, NOW)]
        threads = [threading.Thread(target=calmly, args=arguments) for arguments in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        job.refresh_from_db()
        scene = Scene.objects.get(pk=job.scene_id)
        assert (job.status, scene.deleted_at) in {(JobStatus.QUEUED, None), (JobStatus.CANCELLED, NOW)}
        assert len(refused) == 1


class DeleteFramesTests:
    def test_files_and_films_are_gone_and_rows_and_money_stay(self, django_capture_on_commit_callbacks):
        job = make_job(status=JobStatus.COMPLETED, frames="1-2")
        keys = list(Output.objects.values_list("storage_key", flat=True))
        film = Film.objects.create(job=job, frame_count=2, storage_key=f"films/{job.pk}/1.mp4", finished_at=NOW)
        default_storage.save(film.storage_key, ContentFile(b"film"))
        services.delete_frames(job, NOW)
        background.drop_frames(job.pk)
        assert not any(default_storage.exists(key) for key in [*keys, film.storage_key])
        assert (Output.objects.count(), Film.objects.count()) == (2, 0)
        job.refresh_from_db()
        assert job.charged_micros > 0
        assert job.frames_deleted_at == NOW

    def test_views_of_a_frame_go_with_it(self):
        job = make_job(status=JobStatus.COMPLETED, frames="1")
        view = Output.objects.get().storage_key.replace(".png", ".exposure+2.webp")
        default_storage.save(view, ContentFile(b"view"))
        services.delete_frames(job, NOW)
        background.drop_frames(job.pk)
        assert not default_storage.exists(view)

    def test_finished_frames_of_a_cancelled_job_cannot_be_deleted_before_their_nodes_are_paid(self):
        job = make_job(status=JobStatus.RENDERING, frames="1")
        deliver(job.tasks.get())
        services.cancel_job(job, job.owner, NOW)
        with pytest.raises(NothingToDo, match="checked"):
            services.delete_frames(job, NOW)
        check(job.tasks.get())
        job.refresh_from_db()
        assert job.charged_micros > 0
        services.delete_frames(job, NOW)

    def test_a_job_under_way_keeps_them(self):
        with pytest.raises(NothingToDo, match="under way"):
            services.delete_frames(make_job(status=JobStatus.RENDERING), NOW)


def stored_files(folder: str = "") -> set[str]:
    """Everything that lies in the store."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return set()
    here = {f"{folder}{name}" for name in files}
    return here.union(*(stored_files(f"{folder}{name}/") for name in folders))


class NothingLeftTests:
    """The store is listed: what was deleted is in no folder of it, under no name."""

    @pytest.fixture
    def others(self, mallory):
        """What somebody else stores, with the same bytes."""
        make_scene(mallory)
        return stored_files()

    @pytest.fixture
    def job(self, others, alice):
        """A job of alice's with everything that a job may leave."""
        give(alice, 50_000_000)
        scene = make_scene(alice)
        key = _store_thumbnail(scene, picture_in_file(1))
        Scene.objects.filter(pk=scene.pk).update(inspection=scene.inspection | {"thumbnail_key": key})
        job = make_job(alice, scene=scene, status=JobStatus.COMPLETED, frames="1-2")
        film = Film.objects.create(job=job, frame_count=2, storage_key=f"films/{job.pk}/1.mp4", finished_at=NOW)
        output = Output.objects.first()
        for left in (film.storage_key, output.storage_key.replace(".png", ".exposure-1.webp"), f"probes/{job.pk}/4-1.png"):
            default_storage.save(left, ContentFile(b"left"))
        assert len(stored_files() - others) >= 2 * 3 + 5  # frames with small pictures; film, exposure, probe, scene, thumbnail
        return job

    def test_on_request_all_of_it_goes_at_once(self, others, job, alice, signed_in, django_capture_on_commit_callbacks):
        browser = signed_in(alice)
        with django_capture_on_commit_callbacks(execute=True):
            browser.post(reverse("rendering:scene-delete", args=[job.scene_id]), {"frames": "too"})
        background.drop_frames(job.pk)  # the hint's function, which a worker process calls
        assert stored_files() == others
        assert browser.get(reverse("rendering:job-thumbnail", args=[job.pk])).status_code == 404
        assert browser.get(reverse("rendering:job-zip", args=[job.pk])).status_code == 404

    def test_a_second_look_at_a_scene_leaves_no_earlier_thumbnail(self, others, job):
        before = stored_files()
        assert _store_thumbnail(job.scene, picture_in_file(2)) == f"scenes/{job.owner_id}/thumbnails/{job.scene_id}.webp"
        assert stored_files() == before
        assert _store_thumbnail(job.scene, None) == ""
        assert [name for name in stored_files() if "thumbnails" in name] == []


def picture_in_file(seed: int) -> str:
    """A thumbnail as a scene brings it."""
    return base64.b64encode(png_bytes(picture(seed))).decode()


class EndTests:
    def test_a_scene_ends_so_long_after_its_last_job(self, settings):
        settings.SCENES_KEPT_DAYS = 30
        job = aged(make_job(status=JobStatus.COMPLETED, frames="1"), days=10)
        assert retention.scenes_with_end(Scene.objects.all()).get().ends_at == job.finished_at + 30 * DAY

    def test_it_can_be_put_off(self, settings):
        settings.SCENES_KEPT_DAYS = 30
        job = aged(make_job(status=JobStatus.COMPLETED, frames="1"), days=29)
        services.keep_scene(job.scene, NOW)
        assert retention.scenes_with_end(Scene.objects.all()).get().ends_at == NOW + 30 * DAY

    def test_frames_can_be_put_off(self, settings):
        settings.FRAMES_KEPT_DAYS = 60
        job = aged(make_job(status=JobStatus.COMPLETED, frames="1"), days=59)
        services.keep_frames(job, NOW)
        assert retention.jobs_with_end(Job.objects.all()).get().ends_at == NOW + 60 * DAY

    def test_a_job_without_frames_has_none_that_could_end(self):
        make_job(status=JobStatus.CANCELLED)
        assert not retention.jobs_with_end(Job.objects.all()).exists()


class SweepTests:
    @pytest.fixture(autouse=True)
    def at_now(self, monkeypatch):
        self.now = NOW
        monkeypatch.setattr(clock, "now", lambda: self.now)

    @pytest.fixture
    def old(self):
        return aged(make_job(status=JobStatus.COMPLETED, frames="1"), days=90)

    def test_nothing_is_deleted_that_was_not_announced(self, old):
        assert background.sweep_ended_scenes() == 0
        assert old.scene.files.exists()

    def test_announced_by_one_mail_then_deleted_a_week_later(self, old):
        assert background.sweep_ending() == 2
        [sent] = mail.outbox
        assert sent.to == [old.owner.email]
        assert old.scene.name in sent.body
        assert "Carousel" in sent.body
        assert reverse("users:notices-wanted") in sent.body
        assert background.sweep_ending() == 0
        self.now = NOW + 6 * DAY
        assert background.sweep_ended_scenes() == 0
        self.now = NOW + 8 * DAY
        assert background.sweep_ended_scenes() == 2
        assert not Output.objects.accepted_of(old.pk).exists()
        assert Scene.objects.get().deleted_at

    def test_whoever_wants_no_mail_reads_it_on_the_page(self, old):
        User.objects.update(muted=["ending"])
        assert background.sweep_ending() == 2
        assert mail.outbox == []
        assert Notice.objects.get(kind="ending").words == "1 scene and the frames of 1 job will be deleted in a week."
        self.now = NOW + 8 * DAY
        assert background.sweep_ended_scenes() == 2

    def test_its_mail_has_the_button_that_stops_such_mails(self, old, client):
        background.sweep_ending()
        [sent] = mail.outbox
        assert sent.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        client.post(urlsplit(sent.extra_headers["List-Unsubscribe"].strip("<>")).path)
        assert User.objects.get(pk=old.owner.pk).muted == ["ending"]

    def test_kept_longer_is_announced_again_before_it_goes(self, old):
        background.sweep_ending()
        services.keep_scene(old.scene, NOW)
        services.keep_frames(old, NOW)
        self.now = NOW + 8 * DAY
        assert background.sweep_ended_scenes() == 0
        self.now = NOW + 90 * DAY
        assert background.sweep_ended_scenes() == 0
        assert background.sweep_ending() == 2

    def test_what_cannot_be_mailed_is_not_deleted(self, old, monkeypatch):
        def broken(*_args, **_named):
            raise ConnectionRefusedError

        monkeypatch.setattr(ending.EmailMessage, "send", broken)
        assert background.sweep_ending() == 0
        self.now = NOW + 30 * DAY
        assert background.sweep_ended_scenes() == 0

    def test_a_scene_in_use_does_not_end(self):
        job = aged(make_job(status=JobStatus.PAUSED), days=90)
        assert background.sweep_ending() == 0
        assert job.scene.files.exists()


class OrphanTests:
    @pytest.fixture(autouse=True)
    def own_store(self, settings, tmp_path):
        """Without what other tests have left behind."""
        settings.STORAGES = settings.STORAGES | {
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
        }

    def store(self, key: str) -> str:
        default_storage.save(key, ContentFile(b"x"))
        os.utime(default_storage.path(key), (0, 0))
        return key

    def test_old_files_that_no_row_names_are_deleted_and_no_other(self, alice):
        job = make_job(make_user("alice", credits=10), status=JobStatus.COMPLETED, frames="1")
        output = Output.objects.get()
        named = [output.storage_key, output.preview_key, output.thumbnail_key, asset_of(job.scene).storage_key]
        for key in named:
            os.utime(default_storage.path(key), (0, 0))
        lost = [f"frames/{job.pk}/999-3.png", f"frames/{job.pk}/999-3.preview.webp", f"scenes/{alice.pk}/{'ab' * 32}"]
        lost += [f"films/{job.pk}/7.webm", f"frames/{job.pk}/999-3.exposure-2.webp", f"probes/{job.pk}/7-1.png"]
        lost.append(f"frames/{job.pk}/.arriving-x7_a")  # half a file
        strange = [f"frames/{job.pk}/notes.txt", f"scenes/{alice.pk}/thumbnails/1.webp"]
        for key in lost + strange:
            self.store(key)
        assert background.sweep_orphans() == len(lost)
        assert not any(default_storage.exists(key) for key in lost)
        assert all(default_storage.exists(key) for key in named + strange)

    def test_a_young_file_is_left_alone(self, alice):
        job = make_job(alice)
        key = default_storage.save(f"frames/{job.pk}/1-1.png", ContentFile(b"x"))
        background.sweep_orphans()
        assert default_storage.exists(key)

    def test_folders_take_turns(self):
        keys = [self.store(f"frames/{number}/1-1.png") for number in (900_001, 900_002, 900_003)]
        left = []
        for _ in keys:
            orphans.sweep(before=clock.now(), limit=1)
            left.append(sum(default_storage.exists(key) for key in keys))
        assert left == [2, 1, 0]

    def test_assets_that_no_scene_needs_are_deleted(self, alice):
        asset = asset_of(make_scene(alice))
        Scene.objects.all().delete()
        Asset.objects.update(created_at=NOW - 900 * DAY)
        background.sweep_orphans()
        assert not default_storage.exists(asset.storage_key)
        assert not Asset.objects.exists()


class PageTests:
    @pytest.fixture
    def browser(self, signed_in, alice):
        return signed_in(alice)

    @pytest.fixture
    def scene(self, alice):
        return make_job(make_user("alice", credits=10), status=JobStatus.COMPLETED, frames="1").scene

    def test_the_list_shows_what_is_stored(self, browser, scene):
        page = browser.get(reverse("rendering:scene-list")).content.decode()
        assert scene.name in page
        assert "used" in page

    def test_the_number_of_queries_does_not_grow_with_the_scenes(self, browser, alice, django_assert_max_num_queries):
        for number in range(6):
            make_scene(alice, name=f"{number}.blend")
        with django_assert_max_num_queries(25):
            browser.get(reverse("rendering:scene-list"))

    def test_a_new_job_needs_no_upload(self, browser, scene):
        answer = browser.post(reverse("rendering:scene-render", args=[scene.pk]), {"main": scene.main_path})
        job = Job.objects.first()
        assert (job.scene, job.status, answer["Location"]) == (scene, JobStatus.INSPECTING, job.get_absolute_url())

    def test_another_blend_of_the_same_files_is_a_scene_of_its_own(self, browser, alice):
        scene = make_scene(alice)
        scene.files.create(path="lib/tree.blend", asset=asset_of(scene))
        browser.post(reverse("rendering:scene-render", args=[scene.pk]), {"main": "lib/tree.blend"})
        made = Job.objects.first().scene
        assert (made.main_path, made.files.count(), made == scene) == ("lib/tree.blend", 2, False)

    def test_a_file_that_is_none_of_its_own_is_refused(self, browser, scene):
        jobs = Job.objects.count()
        browser.post(reverse("rendering:scene-render", args=[scene.pk]), {"main": "/etc/passwd.blend"})
        assert Job.objects.count() == jobs

    def test_it_is_deleted_with_words(self, browser, scene):
        answer = browser.post(reverse("rendering:scene-delete", args=[scene.pk]), {"frames": "too"}, follow=True)
        assert "The scene is deleted" in answer.content.decode()
        assert browser.get(reverse("rendering:scene-detail", args=[scene.pk])).status_code == 404

    def test_it_is_kept_longer(self, browser, scene):
        answer = browser.post(reverse("rendering:scene-keep", args=[scene.pk]), follow=True)
        assert "Kept until" in answer.content.decode()


class EndingTests:
    def test_scenes_that_end_within_a_week_are_found_unless_a_job_uses_them(self, alice):
        ending = aged(make_job(scene=make_scene(alice), status=JobStatus.COMPLETED), 25).scene
        aged(make_job(scene=make_scene(alice, name="used.blend"), status=JobStatus.RENDERING), 25)
        aged(make_job(scene=make_scene(alice, name="new.blend"), status=JobStatus.COMPLETED), 2)
        assert list(retention.scenes_ending(alice, NOW)) == [ending]

    def test_home_names_what_ends(self, alice, client):
        job = make_job(scene=make_scene(alice), status=JobStatus.COMPLETED)
        then = clock.now() - 25 * DAY
        Job.objects.filter(pk=job.pk).update(finished_at=then, created_at=then)
        Scene.objects.filter(pk=job.scene_id).update(created_at=then)
        client.force_login(alice)
        assert "1 scene will be deleted within a week." in client.get(reverse("home")).content.decode()
