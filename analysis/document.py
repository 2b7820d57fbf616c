"""The report's core as a Word document: sentence, significance table, forest plot, methods; the same bytes always."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from analysis import tables

if TYPE_CHECKING:
    from analysis.results import StudyResult
    from analysis.tables import Table

EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
ZIP_TIME: Final = (2020, 1, 1, 0, 0, 0)
MARGIN_INCHES: Final = 0.8
TABLE_POINTS: Final = 8.0
NOTE_POINTS: Final = 8.5


def to_docx(result: StudyResult, *, title: str, forest: bytes) -> bytes:
    """Return a Word document; ``forest`` is the forest plot as PNG."""
    import docx
    from docx.enum.section import WD_ORIENT
    from docx.shared import Inches

    paper = docx.Document()
    _properties(paper, title)
    page = paper.sections[0]
    page.orientation = WD_ORIENT.LANDSCAPE
    page.page_width, page.page_height = page.page_height, page.page_width
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = Inches(MARGIN_INCHES)
    paper.add_heading(title, level=1)
    paper.add_paragraph(result.sentence)
    for line in result.warnings:
        paper.add_paragraph(line, style="List Bullet")
    significance = tables.significance_table(result)
    paper.add_heading(significance.caption, level=2)
    _add_table(paper, significance)
    paper.add_heading("Estimates", level=2)
    paper.add_picture(io.BytesIO(forest), width=Inches(8.2))
    paper.add_heading("Methods", level=2)
    paper.add_paragraph(result.methods)
    _add_preparation(paper, result)
    buffer = io.BytesIO()
    paper.save(buffer)
    return normalise(buffer.getvalue())


def _add_preparation(paper: Any, result: StudyResult) -> None:
    """Add the table of what was done to the texts; its words stand in the methods."""
    record = result.declaration.preparation if result.declaration else {}
    content = replace(tables.preparation_table(record), notes=())
    if content.rows:
        paper.add_heading(content.caption, level=2)
        _add_table(paper, content)


def _properties(paper: Any, title: str) -> None:
    """Set every property that would tell when and by whom the file was made."""
    about = paper.core_properties
    about.title, about.author, about.last_modified_by, about.comments = title, "", "", ""
    about.created = about.modified = about.last_printed = EPOCH.replace(tzinfo=None)
    about.revision = 1


def _add_table(paper: Any, content: Table) -> None:
    grid = paper.add_table(rows=1, cols=len(content.header))
    grid.autofit = True
    _fill(grid.rows[0].cells, content.header, content, strong=set(range(len(content.header))))
    _rule(grid.rows[0], ("top", "bottom"))
    for heading, rows in content.sections():
        if heading:
            cells = grid.add_row().cells
            whole = cells[0].merge(cells[-1])
            _write(whole, heading, italic=True)
        for number, row in rows:
            strong = {column for at, column in content.strong if at == number}
            _fill(grid.add_row().cells, row, content, strong=strong)
    _rule(grid.rows[-1], ("bottom",))
    for note in content.notes:
        _write_note(paper.add_paragraph(), note)


def _fill(cells: Any, texts: tuple[str, ...], content: Table, *, strong: set[int]) -> None:
    for column, (cell, text) in enumerate(zip(cells, texts, strict=True)):
        _write(cell, text, bold=column in strong, right=content.numeric[column])


def _write(cell: Any, text: str, *, bold: bool = False, italic: bool = False, right: bool = False) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_after = paragraph.paragraph_format.space_before = Pt(1)
    if right:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    run = paragraph.add_run(text)
    run.font.size, run.bold, run.italic = Pt(TABLE_POINTS), bold or None, italic or None


def _write_note(paragraph: Any, text: str) -> None:
    from docx.shared import Pt

    paragraph.paragraph_format.space_after = Pt(0)
    paragraph.add_run(text).font.size = Pt(NOTE_POINTS)


def _rule(row: Any, sides: tuple[str, ...]) -> None:
    """Draw the lines of a booktabs table: above and below the head, and below the last row."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    for cell in row.cells:
        borders = OxmlElement("w:tcBorders")
        for side in sides:
            line = OxmlElement(f"w:{side}")
            for name, value in (("val", "single"), ("sz", "8"), ("space", "0"), ("color", "1F2933")):
                line.set(qn(f"w:{name}"), value)
            borders.append(line)
        cell._tc.get_or_add_tcPr().append(borders)  # noqa: SLF001 - python-docx has no borders of its own


def normalise(content: bytes) -> bytes:
    """Return the same archive with fixed times and order of members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as after:
        names = before.namelist()  # the first must stay first: [Content_Types].xml
        for name in [names[0], *sorted(names[1:])]:
            info = zipfile.ZipInfo(name, ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            after.writestr(info, before.read(name))
    return buffer.getvalue()
