"""What the job pages show, put together from rows: words, colours, figures. Reads only; decides nothing.

Every `*_part` answers for one live element of templates/rendering/job_detail.html. This is the package's public face.
"""

from rendering.presentation.frames import chart_part, newest_part, strip_part
from rendering.presentation.head import counts_of, head_part
from rendering.presentation.history import details_part, film_part
from rendering.presentation.mosaics import tiles_part
from rendering.presentation.nodes import nodes_part
from rendering.presentation.proof import frame_part, live_log, neighbours
from rendering.presentation.reading import Reading
from rendering.presentation.rows import Row, rows_of
from rendering.presentation.scene import (
    cover_words,
    deadline_words,
    found_rows,
    probe_words,
    scene_facts,
    stored_facts,
    tier_cards,
)
from rendering.presentation.stats import stats_part
from rendering.presentation.timeline import events_part
from rendering.presentation.watch import sharing_part, watch_part
from rendering.presentation.words import (
    JOB_TONES,
    PAUSE_LINES,
    TASK_TONES,
    Counts,
    caption_of,
    facts_line,
    status_line,
    suffix_of,
)

__all__ = [
    "JOB_TONES",
    "PAUSE_LINES",
    "TASK_TONES",
    "Counts",
    "Reading",
    "Row",
    "caption_of",
    "chart_part",
    "counts_of",
    "cover_words",
    "deadline_words",
    "details_part",
    "events_part",
    "facts_line",
    "film_part",
    "found_rows",
    "frame_part",
    "head_part",
    "live_log",
    "neighbours",
    "newest_part",
    "nodes_part",
    "probe_words",
    "rows_of",
    "scene_facts",
    "sharing_part",
    "stats_part",
    "status_line",
    "stored_facts",
    "strip_part",
    "suffix_of",
    "tier_cards",
    "tiles_part",
    "watch_part",
]
