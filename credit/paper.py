"""How a document looks as a PDF. Loaded when the first one is drawn (`credit.documents`)."""

import logging
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from fpdf import FPDF
from fpdf.fonts import FontFace

from credit.documents import Document

FONTS = Path(settings.BASE_DIR).joinpath("static/vendor/inter")
MARGIN = 20  # mm, like all lengths here
LINE = 5
INK, SOFT, HAIRLINE = (24, 26, 31), (98, 104, 116), (222, 224, 229)
logging.getLogger("fontTools").setLevel(logging.WARNING)
logging.getLogger("fpdf").setLevel(logging.ERROR)  # a letter that the font lacks is drawn as a box


class Paper(FPDF):
    """A4 with the document's name and page at its foot."""

    def __init__(self, name: str) -> None:
        super().__init__(format="A4")
        self.name = name
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.set_auto_page_break(True, margin=MARGIN + LINE)
        self.add_font("Inter", "", FONTS.joinpath("Inter_400Regular.ttf"))
        self.add_font("Inter", "B", FONTS.joinpath("Inter_600SemiBold.ttf"))

    def footer(self) -> None:
        self.set_y(-MARGIN + LINE)
        self.ink(SOFT, 8)
        self.cell(0, LINE, f"{self.name}, page {self.page_no()} of {{nb}}", align="R")

    def ink(self, colour: tuple[int, int, int], size: int, style: str = "") -> None:
        self.set_text_color(*colour)
        self.set_font("Inter", style, size)

    def block(self, lines: Sequence[str], *, width: int = 0, align: str = "L") -> None:
        """Lines below each other, the first one strong."""
        for place, words in enumerate(line for line in lines if line):
            self.ink(INK if place == 0 else SOFT, 9, "B" if place == 0 else "")
            self.multi_cell(width, LINE, words, align=align, new_x="LEFT", new_y="NEXT")


def draw(document: Document) -> bytes:
    """The PDF's bytes."""
    paper = Paper(document.name)
    paper.set_title(f"{document.title} {document.name}")
    paper.set_author(document.issuer[0])
    paper.set_creator(settings.SITE_NAME)
    paper.set_creation_date(document.issued_at)
    paper.add_page()
    _head(paper, document)
    _facts(paper, document)
    _table(paper, document)
    _notes(paper, document)
    return bytes(paper.output())


def _head(paper: Paper, document: Document) -> None:
    top = paper.get_y()
    paper.block(document.issuer, width=80)
    bottom = paper.get_y()
    paper.set_xy(-MARGIN - 80, top)
    paper.ink(INK, 20, "B")
    paper.multi_cell(80, 9, document.title, align="R", new_x="LEFT", new_y="NEXT")
    paper.ink(SOFT, 9)
    paper.multi_cell(80, LINE, document.name, align="R", new_x="LEFT", new_y="NEXT")
    paper.set_xy(MARGIN, max(bottom, paper.get_y()) + 12)


def _facts(paper: Paper, document: Document) -> None:
    """To whom, on the left; dates and numbers on the right."""
    top = paper.get_y()
    paper.ink(SOFT, 8)
    paper.cell(80, LINE, "For", new_x="LEFT", new_y="NEXT")
    paper.block(document.addressee, width=80)
    bottom = paper.get_y()
    paper.set_y(top)
    for words, value in document.facts:
        paper.set_x(-MARGIN - 80)
        paper.ink(SOFT, 8)
        paper.cell(15, LINE, words)
        paper.ink(INK, 9)
        paper.multi_cell(65, LINE, value, align="R", new_x="LMARGIN", new_y="NEXT")
    paper.set_xy(MARGIN, max(bottom, paper.get_y()) + 10)


def _table(paper: Paper, document: Document) -> None:
    paper.ink(INK, 9)
    paper.set_draw_color(*HAIRLINE)
    amounts = len(document.columns) - 1
    widths = (170 - 26 * amounts, *[26] * amounts)
    heading = FontFace(emphasis="BOLD", color=SOFT, size_pt=8)
    with paper.table(
        col_widths=widths,
        text_align=("LEFT", *["RIGHT"] * amounts),
        headings_style=heading,
        borders_layout="HORIZONTAL_LINES",
        line_height=LINE,
        padding=(2, 0),
    ) as table:
        table.row(document.columns)
        for cells in document.rows:
            table.row(cells)
        for cells in document.totals:
            table.row(cells, style=FontFace(emphasis="BOLD"))


def _notes(paper: Paper, document: Document) -> None:
    paper.ln(8)
    paper.ink(SOFT, 8)
    for words in document.notes:
        paper.multi_cell(0, 4, words, new_x="LMARGIN", new_y="NEXT")
        paper.ln(1)
