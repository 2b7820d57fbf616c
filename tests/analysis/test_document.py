"""The Word document: what it holds, how its table is ruled, and the same bytes whenever it is made."""

import io
import zipfile
from dataclasses import replace

import docx
import pytest

from analysis import tables
from analysis.document import ZIP_TIME, normalise, to_docx
from analysis.figures import forest_plot, to_png


@pytest.fixture(scope="module")
def forest(result):
    return to_png(forest_plot(result))


@pytest.fixture(scope="module")
def content(result, forest):
    return to_docx(replace(result, warnings=("look out",)), title="Wit & steering", forest=forest)


@pytest.fixture(scope="module")
def paper(content):
    return docx.Document(io.BytesIO(content))


def test_document_reads_from_title_to_methods(paper, result):
    texts = [paragraph.text for paragraph in paper.paragraphs]

    order = [
        "Wit & steering",
        result.sentence,
        "look out",
        "Significance table",
        "Estimates",
        "Methods",
        result.methods,
    ]
    assert [texts.index(text) for text in order] == sorted(texts.index(text) for text in order)
    assert len(paper.inline_shapes) == 1


def test_table_is_that_of_the_report(paper, result):
    expected = tables.significance_table(result)

    grid = [[cell.text for cell in row.cells] for row in paper.tables[0].rows]

    assert grid[0] == list(expected.header)
    assert [row[0] for row in grid if len(set(row)) == 1] == [heading for heading, _ in expected.groups]
    assert [tuple(row) for row in grid[1:] if len(set(row)) > 1] == list(expected.rows)


def test_numbers_stand_flush_right_and_decisive_p_in_bold(paper, result):
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    sure = [row.p_holm < 0.05 for row in result.rows]

    lines = [row.cells for row in paper.tables[0].rows[1:] if row.cells[0].text.endswith("vs baseline")]

    assert {cells[1].paragraphs[0].alignment for cells in lines} == {WD_ALIGN_PARAGRAPH.RIGHT}
    assert {cells[0].paragraphs[0].alignment for cells in lines} == {None}
    assert [bool(cells[6].paragraphs[0].runs[0].bold) for cells in lines] == sure


def test_table_is_ruled_as_booktabs_do(paper):
    def sides(row):
        return {line.tag.rsplit("}", 1)[-1] for line in row._tr.xpath(".//w:tcBorders/*")}

    rows = paper.tables[0].rows

    assert sides(rows[0]) == {"top", "bottom"}
    assert sides(rows[-1]) == {"bottom"}
    assert all(not sides(row) for row in rows[1:-1])


def test_same_bytes_again_and_nobody_is_named(content, result, forest, paper):
    again = to_docx(replace(result, warnings=("look out",)), title="Wit & steering", forest=forest)

    about = paper.core_properties
    assert again == content
    assert (about.title, about.author, about.last_modified_by, about.created.year) == ("Wit & steering", "", "", 2020)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {member.date_time for member in archive.infolist()} == {ZIP_TIME}
        assert archive.namelist()[0] == "[Content_Types].xml"


def test_archives_of_another_order_and_time_become_the_same():
    def packed(names, year):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in names:
                archive.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), name)
        return buffer.getvalue()

    assert normalise(packed(["first", "b", "a"], 2001)) == normalise(packed(["first", "a", "b"], 2002))
