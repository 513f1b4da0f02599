"""Releases of the agent that this network has offered, and what nodes say of theirs: rows that workers.releases alone writes."""

from django.db import models


class AgentRelease(models.Model):
    """One wheel. Its number (the primary key) only grows: nodes take none below what they had."""

    sha256 = models.CharField(max_length=64, unique=True)
    version = models.CharField(max_length=40)
    created_at = models.DateTimeField()  # when the first process that has it offered it

    def __str__(self) -> str:
        return f"Release {self.pk} (agent {self.version})"


class AgentBuild(models.Model):
    """What a node said last of its agent and of its last update; for its owner's page."""

    worker = models.OneToOneField("workers.Worker", primary_key=True, on_delete=models.CASCADE, related_name="build")
    sha256 = models.CharField(max_length=64, blank=True)  # of the wheel it was made from; empty: it does not know
    obstacle = models.CharField(max_length=40, blank=True)  # why it does not replace itself
    tried = models.BigIntegerField(default=0)  # the release that it tried last
    words = models.CharField(max_length=500, blank=True)  # why it stayed what it was

    def __str__(self) -> str:
        return f"Agent of node {self.worker_id}"
