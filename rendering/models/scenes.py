"""Files on their way to us, the assets they become, and the scenes made of them."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Count, Exists, Max, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce, Greatest

from rendering.models.jobs import Job
from rendering.states import SUBMITTED, JobStatus


class UploadQuerySet(models.QuerySet):
    def unfinished(self, user):
        """Uploads of `user` that are begun and have made no job yet."""
        return self.filter(owner=user).exclude(pk__in=Scene.objects.filter(upload__isnull=False).values("upload"))


class Upload(models.Model):
    """Files of one scene on their way to us, in parts; gone when they became a scene or went stale.

    `files` is what the creator announced: [path, size in bytes, sha256 or "", is it here already], in this order.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=255)
    files = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    # Of what was announced: the same again goes on here.
    manifest_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")
    size_bytes = models.BigIntegerField()  # of what is to be sent
    received_bytes = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    touched_at = models.DateTimeField(auto_now=True)

    objects = UploadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(received_bytes__gte=0) & Q(received_bytes__lte=models.F("size_bytes")), name="upload_within_size"
            )
        ]
        indexes = [models.Index(fields=["owner", "manifest_sha256"], name="upload_by_manifest")]

    def __str__(self) -> str:
        return self.name


class Asset(models.Model):
    """A creator's file, kept once under its hash; never shared between creators (knowing a hash must not give a file)."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="assets")
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    storage_key = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "sha256"], name="asset_once_per_owner")]


class SceneQuerySet(models.QuerySet):
    def owned_by(self, user):
        return self.filter(owner=user)

    def visible_to(self, user):
        return self.all() if user.is_staff else self.owned_by(user)

    def kept(self):
        """Scenes whose files are here."""
        return self.filter(deleted_at=None)

    def unpacked_from(self, user, hashes):
        """Kept scenes of `user` that came in one of these archives."""
        return self.owned_by(user).kept().filter(archive_sha256__in=hashes, upload=None).exclude(archive_sha256="")

    def with_size(self):
        """Adds `size_bytes` and `file_count`."""
        return self.annotate(
            size_bytes=Coalesce(Sum("files__asset__size_bytes"), 0, output_field=models.BigIntegerField()),
            file_count=Count("files"),
        )

    def with_use(self):
        """Adds `job_count`, `last_used_at` (never None) and `is_busy`: a job of it is read or at work."""
        jobs = Job.objects.filter(scene=OuterRef("pk")).order_by()
        last = jobs.values("scene").annotate(at=Max(Coalesce("finished_at", "created_at"))).values("at")
        count = jobs.values("scene").annotate(jobs=Count("pk")).values("jobs")
        return self.annotate(
            job_count=Coalesce(Subquery(count), 0),
            last_used_at=Greatest("created_at", Subquery(last)),
            is_busy=Exists(jobs.filter(status__in=[JobStatus.INSPECTING, *SUBMITTED])),
        )


class Scene(models.Model):
    """What a job renders: a .blend and the files that came with it, and what the sandbox found inside."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="scenes")
    name = models.CharField(max_length=255)  # as uploaded: carousel.blend
    main_path = models.CharField(max_length=1000)  # the .blend below the scene's folder
    scene_key = models.CharField(max_length=64)  # hash over the sorted (path, sha256) list
    inspection = models.JSONField(default=dict, blank=True)  # rendering.inspected.Inspection, and thumbnail_key
    upload = models.ForeignKey(Upload, null=True, on_delete=models.SET_NULL, related_name="+")  # until its files are stored
    archive_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")  # of the .zip it came in
    created_at = models.DateTimeField(auto_now_add=True)
    kept_until = models.DateTimeField(null=True, blank=True)  # asked for by its creator: not before
    noticed_at = models.DateTimeField(null=True, blank=True)  # when its creator was told that it will be deleted
    deleted_at = models.DateTimeField(null=True, blank=True)  # its files are gone; the row stays for its jobs

    objects = SceneQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class SceneFile(models.Model):
    scene = models.ForeignKey(Scene, on_delete=models.CASCADE, related_name="files")
    path = models.CharField(max_length=1000)
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["scene", "path"], name="scene_path_once")]
