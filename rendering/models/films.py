"""Films made of accepted frames."""

from django.db import models

from rendering.choices import FilmFormat
from rendering.models.jobs import Job


class Film(models.Model):
    """A film assembled from a job's accepted frames, in the background."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="films")
    fps = models.PositiveSmallIntegerField(default=24)
    format = models.CharField(max_length=4, choices=FilmFormat, default=FilmFormat.MP4, db_default="mp4")
    frame_count = models.PositiveIntegerField()
    newest_output = models.BigIntegerField(default=0, db_default=0)  # the highest id of its frames; a higher one outdates it
    size_bytes = models.BigIntegerField(default=0, db_default=0)
    progress_percent = models.PositiveSmallIntegerField(default=0)
    storage_key = models.CharField(max_length=200, blank=True)
    failure = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Film {self.pk} of job {self.job_id}"
