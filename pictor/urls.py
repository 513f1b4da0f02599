"""The site's addresses: one include per app."""

from django.contrib import admin
from django.urls import include, path

from common.limits import limited
from pictor import health
from pictor.home import credit_pill, home, home_part, styleguide
from users import api, console

admin.site.login = limited("admin-sign-in", limit=10, seconds=300)(console.sign_in)  # the one form that takes a password

urlpatterns = [
    path("", home, name="home"),
    path("home/<slug:part>/", home_part, name="home-part"),
    path("header/credit/", credit_pill, name="credit-pill"),
    path("rendering/", include("rendering.urls")),
    path("renting/", include("renting.urls")),
    path("", include("workers.urls")),  # /workers/ and /files/
    path("checkers/", include("checkers.urls")),
    path("rewards/", include("rewards.urls")),
    path("leaderboard/", include("leaderboard.urls")),
    path("credit/", include("credit.urls")),
    path("users/", include("users.urls")),
    path("accounts/", include("users.allauth_urls")),
    path("api/me/", api.me, name="api-me"),
    path("admin/", admin.site.urls),
    path("styleguide/", styleguide, name="styleguide"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", health.metrics, name="metrics"),
]

handler400 = "pictor.errors.bad_request"
handler403 = "pictor.errors.forbidden"
handler404 = "pictor.errors.not_found"
handler500 = "pictor.errors.server_error"
