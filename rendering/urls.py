"""Addresses of the creator's pages. Frames may have negative numbers, so they have a converter of their own."""

from django.urls import path, register_converter

from rendering.views import downloads, frames, jobs, scenes, settings, uploads, watch


class FrameConverter:
    regex = r"-?\d{1,7}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(FrameConverter, "frame")

app_name = "rendering"
urlpatterns = [
    path("", jobs.job_list, name="job-list"),
    path("new/", uploads.job_new, name="job-new"),
    path("uploads/", uploads.upload_create, name="upload-create"),
    path("uploads/<uuid:pk>/", uploads.upload_state, name="upload-state"),
    path("uploads/<uuid:pk>/<int:file>/<int:part>/", uploads.upload_part, name="upload-part"),
    path("uploads/<uuid:pk>/finish/", uploads.upload_finish, name="upload-finish"),
    path("uploads/<uuid:pk>/forget/", uploads.upload_forget, name="upload-forget"),
    path("scenes/", scenes.scene_list, name="scene-list"),
    path("scenes/<int:pk>/", scenes.scene_detail, name="scene-detail"),
    path("scenes/<int:pk>/thumbnail/", scenes.scene_thumbnail, name="scene-thumbnail"),
    path("scenes/<int:pk>/render/", scenes.scene_render, name="scene-render"),
    path("scenes/<int:pk>/keep/", scenes.scene_keep, name="scene-keep"),
    path("scenes/<int:pk>/delete/", scenes.scene_delete, name="scene-delete"),
    path("jobs/<int:pk>/", jobs.job_detail, name="job-detail"),
    path("jobs/<int:pk>/parts/<slug:part>/", jobs.job_part, name="job-part"),
    path("jobs/<int:pk>/settings/", settings.job_settings, name="job-settings"),
    path("jobs/<int:pk>/settings/state/", settings.settings_state, name="settings-state"),
    path("jobs/<int:pk>/quote/", settings.job_quote, name="job-quote"),
    path("jobs/<int:pk>/fit/", settings.job_fit, name="job-fit"),
    path("jobs/<int:pk>/probe/", settings.job_probe, name="job-probe"),
    path("jobs/<int:pk>/copy/", settings.job_copy, name="job-copy"),
    path("jobs/<int:pk>/change/", settings.job_change, name="job-change"),
    path("jobs/<int:pk>/submit/", settings.job_submit, name="job-submit"),
    path("jobs/<int:pk>/pause/", jobs.job_pause, name="job-pause"),
    path("jobs/<int:pk>/resume/", jobs.job_resume, name="job-resume"),
    path("jobs/<int:pk>/cancel/", jobs.job_cancel, name="job-cancel"),
    path("jobs/<int:pk>/requeue/", jobs.job_requeue, name="job-requeue"),
    path("jobs/<int:pk>/cap/", jobs.job_raise_cap, name="job-raise-cap"),
    path("jobs/<int:pk>/times/", jobs.job_times, name="job-times"),
    path("jobs/<int:pk>/again/", jobs.job_again, name="job-again"),
    path("jobs/<int:pk>/approve/", jobs.job_approve, name="job-approve"),
    path("jobs/<int:pk>/share/", jobs.job_share, name="job-share"),
    path("jobs/<int:pk>/frames/<frame:frame>/", frames.frame_detail, name="frame-detail"),
    path("jobs/<int:pk>/frames/<frame:frame>/attempts/<int:number>/log/", frames.attempt_log, name="attempt-log"),
    path(
        "jobs/<int:pk>/frames/<frame:frame>/attempts/<int:number>/exposure/<frame:stops>/",
        frames.attempt_exposure,
        name="attempt-exposure",
    ),
    path("jobs/<int:pk>/frames/<frame:frame>/attempts/<int:number>/<slug:size>/", frames.attempt_image, name="attempt-image"),
    path("watch/<slug:token>/", watch.watch, name="watch"),
    path("watch/<slug:token>/parts/<slug:part>/", watch.watch_part, name="watch-part"),
    path("watch/<slug:token>/frames/<frame:frame>/", watch.watch_frame, name="watch-frame"),
    path("watch/<slug:token>/frames/<frame:frame>/<slug:size>/", watch.watch_image, name="watch-image"),
    path("jobs/<int:pk>/thumbnail/", downloads.job_thumbnail, name="job-thumbnail"),
    path("jobs/<int:pk>/frames/<frame:frame>/<slug:size>/", downloads.task_image, name="task-image"),
    path("jobs/<int:pk>/frames.zip", downloads.job_zip, name="job-zip"),
    path("jobs/<int:pk>/frames/keep/", scenes.frames_keep, name="frames-keep"),
    path("jobs/<int:pk>/frames/delete/", scenes.frames_delete, name="frames-delete"),
    path("jobs/<int:pk>/film/", downloads.job_film, name="job-film"),
    path("jobs/<int:pk>/film/<int:film_pk>/", downloads.film_download, name="film-download"),
    path("jobs/<int:pk>/film/<int:film_pk>/cancel/", downloads.film_cancel, name="film-cancel"),
]
