"""The whole road of a job with its files in a bucket: upload, scene to the node, frame back, checks, archive, film."""

import hashlib
import io
import secrets
import zipfile

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from common import clock
from common.file_urls import sign_file_url
from pictor import health
from pictor_agent import protocol
from rendering import background, scenes, services, uploads
from rendering.models import Asset, Job
from tests.builders import check, feed, lease_of, make_job, make_user, make_worker, picture, png_bytes, report, result_of
from tests.s3 import options, s3_server

__all__ = ["s3_server"]
pytestmark = pytest.mark.django_db
CONTENT = b"BLENDER17-01v0500" + bytes(range(256)) * 2_000 + b"ENDB"


@pytest.fixture(autouse=True)
def bucket(s3_server, settings):
    store = {"BACKEND": "common.s3_store.S3Store", "OPTIONS": options(s3_server, location=secrets.token_hex(4))}
    settings.STORAGES = settings.STORAGES | {"default": store}


def uploaded_scene(owner):
    """As the background stores it, from chunks that came through the page."""
    upload = uploads.start_upload(owner=owner, name="carousel.blend", size_bytes=len(CONTENT))
    uploads.append_to_upload(upload, offset=0, stream=io.BytesIO(CONTENT))
    job = services.create_job_from_upload(upload)
    scenes.store_scene(job.scene)
    return job.scene


def node_url(method: str, key: str, body: bytes) -> str:
    sha256 = hashlib.sha256(body).hexdigest()
    url = sign_file_url(method=method, storage_key=key, sha256=sha256, size_bytes=len(body), now=clock.now())
    return url.removeprefix("http://testserver")


def deliver_by_http(task) -> None:
    """The frame arrives in two chunks at the signed address, then its report."""
    lease, content = lease_of(task), png_bytes(picture(task.frame))
    result = result_of(picture(task.frame))
    report(lease, protocol.Started)
    report(lease, protocol.Rendered, result=result)
    address = node_url("PATCH", f"frames/{task.job_id}/{task.pk}-{lease.attempt}.png", content)
    for start, end in [(0, 100), (100, len(content))]:
        sent = Client().patch(
            address, content[start:end], content_type="application/offset+octet-stream", headers={"Upload-Offset": str(start)}
        )
        assert sent.status_code == 204
    report(lease, protocol.Done, result=result)


def finished_job(owner) -> Job:
    job = make_job(owner, scene=uploaded_scene(owner), status="queued", frames="1-3")
    make_worker()
    feed()
    for task in job.tasks.all():
        deliver_by_http(task)
        check(task)
        feed()
    job.refresh_from_db()
    return job


@pytest.fixture
def owner():
    return make_user("alice", credits=10)


class RoadTests:
    def test_the_scene_reaches_the_node_whole_and_in_ranges(self, owner):
        uploaded_scene(owner)
        address = node_url("GET", Asset.objects.get().storage_key, CONTENT)
        assert b"".join(Client().get(address).streaming_content) == CONTENT
        rest = Client().get(address, headers={"Range": "bytes=300000-"})
        assert rest.status_code == 206
        assert b"".join(rest.streaming_content) == CONTENT[300_000:]

    def test_frames_are_checked_accepted_and_downloaded(self, owner, signed_in):
        job = finished_job(owner)
        assert job.status == "completed"
        frame = signed_in(owner).get(reverse("rendering:task-image", args=[job.pk, 2, "full"]))
        assert b"".join(frame.streaming_content) == png_bytes(picture(2))
        archive = b"".join(signed_in(owner).get(reverse("rendering:job-zip", args=[job.pk])).streaming_content)
        with zipfile.ZipFile(io.BytesIO(archive)) as members:
            assert [members.read(name) for name in sorted(members.namelist())] == [png_bytes(picture(n)) for n in (1, 2, 3)]

    def test_the_film_is_made_stored_and_sent(self, owner, signed_in):
        film = services.start_film(finished_job(owner))
        background.make_film(film.pk)
        film.refresh_from_db()
        assert film.failure == ""
        sent = signed_in(owner).get(reverse("rendering:film-download", args=[film.job_id, film.pk]))
        content = b"".join(sent.streaming_content)
        assert content[4:8] == b"ftyp"
        assert int(sent.headers["Content-Length"]) == len(content) == default_storage.size(film.storage_key)


class TroubleTests:
    def test_a_bucket_that_is_gone_is_told_by_the_health_page(self, s3_server, settings, client):
        lost = {"BACKEND": "common.s3_store.S3Store", "OPTIONS": options(s3_server) | {"bucket_name": "nowhere"}}
        settings.STORAGES = settings.STORAGES | {"default": lost}
        assert "NoSuchBucket" in health.why_not(health.probe_storage)
