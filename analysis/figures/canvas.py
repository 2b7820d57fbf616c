"""What all figures share: colours, type, and files that are the same bytes every time."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, RULE, BAND = "#1f2933", "#5b6672", "#d5dae0", "#f4f6f8"
SURE, UNSURE = "#0b6e99", "#7a8590"
# Okabe & Ito's colours, which colour-blind readers tell apart, from the darkest to the grey of the residual.
PALETTE: Final = ("#0b6e99", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")
REST: Final = "#d5dae0"
STYLE: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "text.color": INK,
    "axes.unicode_minus": True,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 8.5,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
}
_ID = re.compile(r'((?<=\s)id="|href="#|url\(#)')


def blank(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches, with a canvas that needs no display."""
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def plain(axes: Axes, *, grid: str = "") -> Axes:
    """Take away the frame and draw the grid behind; ``grid`` is x, y, both or empty."""
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0)
    if grid:
        axes.grid(visible=True, axis=grid, color=RULE, linewidth=0.6)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    return axes


def title(axes: Axes, text: str, *, size: float = 10.5) -> None:
    """Head a panel, flush left."""
    axes.set_title(text, loc="left", fontsize=size, fontweight="bold", color=INK, pad=8)


def shorten(text: str, letters: int) -> str:
    """Cut a name that is longer than so many letters."""
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def to_svg(figure: Figure, *, salt: str = "analysis") -> str:
    """Return the figure as SVG, the same bytes every time."""
    buffer = io.StringIO()
    with mpl.rc_context(STYLE | {"svg.hashsalt": salt}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def to_inline(svg: str, *, name: str) -> str:
    """Return what stands between the tags of a page: no prologue, and ids that no other figure has."""
    return _ID.sub(rf"\g<1>{name}-", svg[svg.index("<svg") :])


def to_png(figure: Figure) -> bytes:
    """Return the figure as PNG at 200 dots per inch, the same bytes every time."""
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="png", dpi=200, metadata={"Software": None})
    return buffer.getvalue()


def to_pdf(figure: Figure) -> bytes:
    """Return the figure as PDF with embedded fonts, the same bytes every time."""
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
    return buffer.getvalue()
