"""What the page shows, as HTML: facts in, markup out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pictor_agent import __version__, checklist, protocol
from pictor_agent.app.filling import Markup, escaped, fill, joined
from pictor_agent.findings import Finding
from pictor_agent.platforms import Obstacle
from pictor_agent.status import Status, Task, credits_words, headline

GB = 1_000_000_000
GIB = 1 << 30
REFRESH = Markup('<noscript><meta http-equiv="refresh" content="10"></noscript>')
ICONS = {"ok": "circle-check", "info": "info", "warn": "triangle-alert", "bad": "circle-alert", "accent": "activity"}
PAUSE_NOW = (
    "What it renders goes back to the queue, unpaid, and another node renders it again. A finished picture that is being sent is "
    "kept and paid."
)
STOP = "It finishes what it renders, which is paid, and the agent ends; this page with it."


@dataclass(frozen=True)
class View:
    """All that the node's page is made of."""

    status: Status
    machine: protocol.Inventory
    beat: protocol.Heartbeat | None = None
    steps: Sequence[checklist.Step] = ()
    findings: Sequence[Finding] = ()
    examining: bool = False
    notices: Sequence[tuple[str, str]] = field(default_factory=list)  # tone and words, after a verb that failed


def node_page(view: View) -> Markup:
    status = view.status
    said = headline(status)
    content = fill(
        "node",
        name=status.name or "This node",
        facts=_facts(view.machine),
        tone=said.tone,
        badge=said.badge,
        verbs=_verbs(status),
        headline=joined([notice(said.tone, said.words), *(notice(tone, words) for tone, words in view.notices)]),
        earnings=_earnings(status.overview),
        tasks=_tasks(status),
        gauges=_gauges(view),
        steps=_steps(view.steps),
        examine=_examine(view),
        findings=_findings(view),
    )
    return document("node", status.name or "This node", content, site=status.overview.url if status.overview else "")


def import_page(place: str, *, problem: str = "") -> Markup:
    notices = notice("bad", problem) if problem else Markup()
    return document("import", "Set-up", fill("import", place=place, notices=notices, icon=icon("upload")))


def words_page(title: str, words: str, command: str = "") -> Markup:
    """A page that only says something: the node is being started, or nothing can be rendered here."""
    more = fill("command", text=command) if command else Markup()
    return document("words", title, fill("words", title=title, words=words, more=more))


def obstacle_page(obstacle: Obstacle) -> Markup:
    return words_page("This system cannot render", obstacle.words, obstacle.command)


def document(page: str, title: str, content: Markup, *, site: str = "") -> Markup:
    return fill(
        "base",
        page=page,
        title=title,
        content=content,
        version=__version__,
        refresh=REFRESH if page != "import" else Markup(),
        gone_icon=icon("unplug"),
        site_link=_site_link(site),
    )


def _site_link(url: str) -> Markup:
    """The server says where; a link is made of nothing but an address of the web."""
    if not url.startswith(("https://", "http://")):
        return Markup()
    return Markup(
        f'<a class="button" href="{escaped(url)}" rel="noreferrer">{icon("external-link", "s")}Its page on the site</a>'
    )


def icon(name: str, size: str = "") -> Markup:
    kind = f" icon-{size}" if size else ""
    return Markup(f'<svg class="icon{kind}" aria-hidden="true"><use href="vendor/lucide/icons.svg#{name}"/></svg>')


def notice(tone: str, words: str) -> Markup:
    shown = "info" if tone in ("accent", "quiet") else tone
    return fill("notice", tone=shown, icon=icon(ICONS[shown]), words=words)


# Parts ----------------------------------------------------------------------------------------------------------------


def _facts(machine: protocol.Inventory) -> str:
    gpus = [gpu.model for gpu in machine.gpus] or ["no GPU"]
    return f"{', '.join(gpus)}, {machine.cpu_cores} cores, {machine.ram_bytes / GIB:.0f} GB"


def _verbs(status: Status) -> Markup:
    if status.is_draining:
        return Markup()
    stop = fill("verb_asked", action="stop", icon=icon("power", "s"), words="Stop…", question=STOP, sure="Finish and stop")
    if status.is_paused and not status.running:
        return joined([_verb("resume", "play", "Resume", " button-primary"), stop])
    now = fill(
        "verb_asked", action="pause-now", icon=icon("pause", "s"), words="Pause now…", question=PAUSE_NOW, sure="Pause now"
    )
    if status.is_paused:
        return joined([_verb("resume", "play", "Resume", " button-primary"), now, stop])
    first = _verb("pause", "pause", "Pause after this task" if status.running else "Pause")
    return joined([first, *([now] if status.running else []), stop])


def _verb(action: str, icon_name: str, words: str, kind: str = "") -> Markup:
    return fill("verb", action=action, icon=icon(icon_name, "s"), words=words, kind=kind)


def _earnings(overview: protocol.Overview | None) -> Markup:
    if overview is None:
        unknown = "The site has not said it yet."
        return joined(
            fill("stat", label=label, figure="–", unit="", sentence=unknown) for label in ("Earned today", "Earned, 7 days")
        )
    site = overview.why or "The site gives it work when there is some."
    return joined(
        [
            _earned("Earned today", overview.earned_today_micros, "Your share of accepted frames, since 0:00 UTC"),
            _earned("Earned, 7 days", overview.earned_week_micros, "Today included"),
            fill("stat", label="On the site", figure=overview.stands, unit="", sentence=site),
        ]
    )


def _earned(label: str, micros: int, sentence: str) -> Markup:
    return fill("stat", label=label, figure=credits_words(micros), unit="credits", sentence=sentence)


def _tasks(status: Status) -> Markup:
    following = [task for task in status.tasks if task.is_next]
    rows = [fill("task_next", title=task.title, words=task.words) for task in following]
    rows += [fill("task_next", title="Finished frames", words=f"{status.sending} being sent")] if status.sending else []
    if not status.running and not rows:
        return Markup('<p class="card-text">No task on this machine.</p>')
    more = Markup(f'<ul class="list is-end">{joined(rows)}</ul>') if rows else Markup()
    return joined([*(_task(task) for task in status.running), more])


def _task(task: Task) -> Markup:
    return fill("task", title=task.title, words=task.words, percent=round(task.fraction * 100))


def _gauges(view: View) -> Markup:
    beat, machine = view.beat, view.machine
    if beat is None:
        return Markup('<div class="card"><h2 class="card-title">This machine</h2><p class="card-text">Gauges come with the first report to the site.</p></div>')  # fmt: skip
    cards = [_host(beat, machine)]
    by_index = {gpu.index: gpu for gpu in machine.gpus}
    cards += [_gpu(sample, by_index[sample.index]) for sample in beat.gpus if sample.index in by_index]
    return joined(cards)


def _host(beat: protocol.Heartbeat, machine: protocol.Inventory) -> Markup:
    gauges = [
        _gauge("Processor load", f"{beat.cpu_load:.0%}".replace("%", " %"), "processor", beat.cpu_load, "accent"),
        _part("Memory used, GB", beat.ram_used_bytes, machine.ram_bytes),
    ]
    rows = [
        ("Disk free", f"{beat.disk_free_bytes / GB:,.1f} GB"),
        ("Network, last report", f"↓ {beat.network_down_bytes / 1e6:,.1f} ↑ {beat.network_up_bytes / 1e6:,.1f} MB"),
    ]
    return _card("This machine", gauges, rows)


def _gpu(sample: protocol.GpuSample, gpu: protocol.GpuInfo) -> Markup:
    gauges = [
        _gauge("GPU load", f"{sample.load:.0%}".replace("%", " %"), "load", sample.load, "accent"),
        _part("GPU memory used, GB", sample.vram_used_bytes, gpu.vram_bytes),
        _gauge(
            "GPU temperature", f"{sample.temperature_celsius:.0f} °C", "temperature", sample.temperature_celsius / 100, "warn"
        ),
    ]
    rows = [("Power", f"{sample.power_watts:.0f} W"), ("Clock", f"{sample.clock_mhz:,} MHz")]
    rows += [("Fan", f"{sample.fan:.0%}".replace("%", " %"))] if sample.fan is not None else []
    return _card(f"GPU {gpu.index}, {gpu.model}", gauges, rows)


def _card(title: str, gauges: list[Markup], rows: list[tuple[str, str]]) -> Markup:
    lines = joined(fill("row", label=label, value=value) for label, value in rows)
    return fill("gauges", title=title, gauges=joined(gauges), rows=lines)


def _part(name: str, used: int, whole: int) -> Markup:
    return _gauge(name, f"{used / GIB:.1f}", f"of {whole / GIB:.0f} GB", used / whole if whole else 0.0, "info")


def _gauge(name: str, figure: str, label: str, share: float, tone: str) -> Markup:
    percent = round(min(max(share, 0.0), 1.0) * 100)
    return fill("gauge", name=name, figure=figure, label=label, percent=percent, tone=tone)


# Health ---------------------------------------------------------------------------------------------------------------


def _steps(steps: Sequence[checklist.Step]) -> Markup:
    following = checklist.next_step(list(steps))
    return Markup(f'<ol class="steps">{joined(_step(step, step == following) for step in steps)}</ol>')


def _step(step: checklist.Step, is_next: bool) -> Markup:
    if step.done:
        mark = Markup(f'{icon("check", "s")}<span class="visually-hidden">Done:</span>')
        return fill("step", kind=Markup(' class="is-done"'), mark=mark, title=step.title, action="")
    kind = ' class="is-failed"' if step.failed else ' class="is-next"' if is_next else ""
    mark = Markup(f'{icon("x", "s")}<span class="visually-hidden">Failed:</span>') if step.failed else Markup()
    command = fill("command", text=step.command) if step.command else Markup()
    action = joined([Markup("<p>"), escaped(step.action), Markup("</p>"), command])
    return fill("step", kind=Markup(kind), mark=mark, title=step.title, action=action)


def _examine(view: View) -> Markup:
    if view.examining:
        return Markup('<span class="soft small" role="status">It looks…</span>')
    words = "Look again" if view.findings else "Look this machine over"
    return fill("verb", action="examine", icon=icon("scan-search", "s"), words=words, kind=" button-small")


def _findings(view: View) -> Markup:
    if not view.findings:
        return Markup('<p class="card-text">It tries the sandbox, Blender, the disk and the line to the server, and says what to do about what it finds. Half a minute.</p>')  # fmt: skip
    worst_first = sorted(view.findings, key=lambda finding: ("bad", "warn", "ok").index(finding.tone))
    return Markup(f'<ul class="list is-end app-findings">{joined(_finding(finding) for finding in worst_first)}</ul>')


def _finding(finding: Finding) -> Markup:
    code = Markup(f"<b>{escaped(finding.code)}</b>") if finding.code else Markup()
    remedy = Markup(f'<span class="soft small">{escaped(finding.remedy)}</span>') if finding.remedy else Markup()
    return fill("finding", tone=finding.tone, code=code, words=finding.words, remedy=remedy)
