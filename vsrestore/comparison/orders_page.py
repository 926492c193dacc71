"""The page and the table that show what came of orders."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from .figures import FLICKER, PSNR, SSIM
from .page import Sample, document, frames_with_slider
from .sources import TRUTH

LPIPS, SECONDS, PROCESSOR = "lpips", "seconds", "processor_seconds"
# Figure -> heading and how it is written.
COLUMNS = {
    PSNR: ("PSNR, dB", ".2f"),
    SSIM: ("SSIM", ".4f"),
    LPIPS: ("LPIPS", ".4f"),
    FLICKER: ("Flicker, codes", ".3f"),
    SECONDS: ("s/frame", ".2f"),
    PROCESSOR: ("processor s/frame", ".2f"),
}
EXPLAINED = (
    "PSNR and SSIM are against the truth, in RGB of 8 bits; LPIPS is how unlike the truth it looks (AlexNet; lower is "
    "better); flicker is the mean absolute change of luma from the frame before, along the motion in the truth. The "
    "row <i>input</i> is the clip that went in, enlarged with a bicubic filter where it is smaller than the truth."
)


def orders_table(figures: Mapping[str, Mapping[str, float]]) -> list[tuple[str, ...]]:
    """Return what was measured as rows of words, heading first.

    Args:
        figures: by figure, by order.

    """
    measured = [figure for figure in COLUMNS if any(figure in row for row in figures.values())]
    head = ("order", *(COLUMNS[figure][0] for figure in measured))
    return [head, *((name, *(_word(row, figure) for figure in measured)) for name, row in figures.items())]


def orders_page(title: str, figures: Mapping[str, Mapping[str, float]], sample: Sample) -> str:
    """Return the page as HTML.

    Args:
        title: of the page.
        figures: by figure, by order, best first.
        sample: one frame of every result and of the truth.

    """
    heading, *rows = orders_table(figures)
    head = "".join(f"<th>{word}</th>" for word in heading)
    body = "".join(
        f"<tr><th>{escape(name)}</th>{''.join(f'<td>{word}</td>' for word in words)}</tr>" for name, *words in rows
    )
    names = list(figures)
    pairs = [(names[-1], names[0]), *((name, TRUTH) for name in names), *((names[0], name) for name in names[1:])]
    table = f"<table><tr>{head}</tr>{body}</table>\n<p>{EXPLAINED}</p>"
    return document(title, [table, frames_with_slider([sample], pairs)])


def _word(row: Mapping[str, float], figure: str) -> str:
    return f"{row[figure]:{COLUMNS[figure][1]}}" if figure in row else ""
