"""Addresses of the nodes' pages, and of the files that nodes fetch and send."""

from django.urls import path

from workers import (
    agent_views,
    calculator_views,
    chart_views,
    control_views,
    file_views,
    fleet_token_views,
    fleet_views,
    past_views,
    reliability_views,
    summary_views,
    team_views,
    views,
)

app_name = "workers"
urlpatterns = [
    path("workers/", fleet_views.worker_list, name="worker-list"),
    path("workers.csv", fleet_views.worker_csv, name="worker-csv"),
    path("workers/bulk/", fleet_views.worker_bulk, name="worker-bulk"),
    path("workers/summary/", summary_views.worker_summary, name="worker-summary"),
    path("workers/teams/", team_views.team_list, name="team-list"),
    path("workers/teams/<int:pk>/accept/", team_views.team_accept, name="team-accept"),
    path("workers/teams/<int:pk>/decline/", team_views.team_decline, name="team-decline"),
    path("workers/calculator/", calculator_views.calculator, name="calculator"),
    path("workers/fleet-tokens/", fleet_token_views.fleet_tokens, name="fleet-tokens"),
    path("workers/fleet-tokens/<int:pk>/revoke/", fleet_token_views.fleet_token_revoke, name="fleet-token-revoke"),
    path("workers/agent/", agent_views.agent_install, name="agent-install"),
    path("workers/agent/pictor-agent.service", agent_views.agent_unit, name="agent-unit"),
    path("workers/agent/<str:name>", agent_views.agent_wheel_file, name="agent-wheel"),
    path("workers/new/", views.worker_new, name="worker-new"),
    path("workers/<int:pk>/", views.worker_detail, name="worker-detail"),
    path("workers/<int:pk>/part/<slug:part>/", views.worker_part, name="worker-part"),
    path("workers/<int:pk>/settings/", control_views.worker_settings, name="worker-settings"),
    path("workers/<int:pk>/maintenance/", control_views.worker_maintenance, name="worker-maintenance"),
    path("workers/<int:pk>/maintenance/end/", control_views.worker_maintenance_end, name="worker-maintenance-end"),
    path("workers/<int:pk>/tasks/", past_views.worker_tasks, name="worker-tasks"),
    path("workers/<int:pk>/tasks.csv", past_views.worker_tasks_csv, name="worker-tasks-csv"),
    path("workers/<int:pk>/events/", past_views.worker_events, name="worker-events"),
    path("workers/<int:pk>/charts/", chart_views.worker_charts, name="worker-charts"),
    path("workers/<int:pk>/reliability/", reliability_views.worker_reliability, name="worker-reliability"),
    path("workers/<int:pk>/location/", views.worker_location, name="worker-location"),
    path("workers/<int:pk>/config/", views.worker_config, name="worker-config"),
    path("workers/<int:pk>/pause/", views.worker_pause, name="worker-pause"),
    path("workers/<int:pk>/stop/", views.worker_stop, name="worker-stop"),
    path("workers/<int:pk>/resume/", views.worker_resume, name="worker-resume"),
    path("workers/<int:pk>/retire/", views.worker_retire, name="worker-retire"),
    path("files/<str:token>", file_views.file, name="file"),
]
