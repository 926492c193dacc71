"""The page that shows a comparison: one HTML file that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from .figures import CHANGE, FLICKER, PSNR, SSIM, Row
from .images import data_uri
from .plot import Curve, plot
from .sources import AFTER, BEFORE, TRUTH

# A browser keeps to this: nothing is fetched, whatever the page holds.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
TITLES = {PSNR: "PSNR", SSIM: "SSIM", CHANGE: "Changed by", FLICKER: "Temporal flicker"}
UNITS = {PSNR: "dB", SSIM: "SSIM", CHANGE: "codes", FLICKER: "codes"}
FORMS = {PSNR: ".2f", SSIM: ".4f", CHANGE: ".3f", FLICKER: ".3f"}
PAIRS = ((BEFORE, AFTER), (AFTER, TRUTH), (BEFORE, TRUTH))
STYLE = """
:root { color-scheme: light dark; --before: #d1495b; --after: #2b7bba; --truth: #3c9d4e; --grid: #8885; }
body { font: 16px/1.45 system-ui, sans-serif; max-width: 1100px; margin: 1.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .9rem .25rem 0; text-align: right; border-bottom: 1px solid var(--grid); }
th:first-child { text-align: left; }
figure { margin: 1rem 0 1.5rem; } figcaption { font-size: .9rem; opacity: .8; }
.slider { position: relative; display: inline-block; max-width: 100%; --x: 50%; }
.slider img { display: block; width: 100%; }
.slider img[data-side=left] { position: absolute; inset: 0; clip-path: inset(0 calc(100% - var(--x)) 0 0); z-index: 1; }
.slider img[data-side=none] { display: none; }
.slider i { position: absolute; top: 0; bottom: 0; left: var(--x); border-left: 2px solid #fff; margin-left: -1px;
  box-shadow: 0 0 3px #000; z-index: 2; }
.slider input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: ew-resize;
  z-index: 3; }
.slider:focus-within { outline: 2px solid var(--after); }
.crops { display: flex; flex-wrap: wrap; gap: .5rem; } .crops div { flex: 0 1 auto; font-size: .9rem; }
.crops img { display: block; max-width: 100%; }
svg { width: 100%; } svg line { stroke: var(--grid); } svg text { font-size: 12px; fill: currentColor; }
svg .value { text-anchor: end; } svg .frame, svg .unit { text-anchor: middle; }
polyline { fill: none; stroke-width: 1.5; } polygon { opacity: .2; }
polyline.before { stroke: var(--before); } polyline.after { stroke: var(--after); }
polyline.truth { stroke: var(--truth); }
polygon.before, circle.before { fill: var(--before); } polygon.after, circle.after { fill: var(--after); }
polygon.truth, circle.truth { fill: var(--truth); }
.legend span { margin-right: 1.2rem; } .legend span::before { content: "\\25A0  "; }
.legend .before::before { color: var(--before); } .legend .after::before { color: var(--after); }
.legend .truth::before { color: var(--truth); }
"""
SCRIPT = """
const pair = document.getElementById("pair");
function show() {
  const [left, right] = pair.value.split(" ");
  for (const image of document.querySelectorAll(".slider img")) {
    const name = image.dataset.clip;
    image.dataset.side = name === left ? "left" : name === right ? "right" : "none";
  }
}
pair.addEventListener("change", show);
show();
for (const slider of document.querySelectorAll(".slider input")) {
  const move = () => slider.parentElement.style.setProperty("--x", slider.value + "%");
  slider.addEventListener("input", move);
  move();
}
"""


@dataclass(frozen=True)
class Sample:
    """A frame or a part of one in every clip: image files by clip, and what is written under them."""

    caption: str
    images: Mapping[str, bytes]


@dataclass
class Content:
    """What the page shows.

    Attributes:
        paths: the videos by name: before, after and perhaps truth.
        frames: of the clips.
        every: of so many frames one is measured by SSIM and flicker.
        curves: figures over the frames by column.
        totals: figures of the whole clips by column.
        samples: whole frames.
        crops: places where before and after differ most.

    """

    paths: Mapping[str, Path]
    frames: int
    every: int
    curves: Mapping[str, Curve]
    totals: Row = field(default_factory=dict)
    samples: Sequence[Sample] = ()
    crops: Sequence[Sample] = ()


def page(content: Content) -> str:
    """Return the page as HTML."""
    parts = [
        _summary(content),
        frames_with_slider(content.samples, [pair for pair in PAIRS if set(pair) <= content.paths.keys()]),
        _crops(content),
        *(_plot(content, figure) for figure in _figures(content.totals)),
    ]
    return document(f"{content.paths[BEFORE].name} and {content.paths[AFTER].name}", parts)


def document(title: str, parts: Sequence[str]) -> str:
    """Return a page with a title and parts in HTML, of which one is that of the frames."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n"
        f"{chr(10).join(parts)}\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def table(totals: Row, names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the figures of the whole clips as rows of words: a heading, then a row for each clip that has any."""
    figures = _figures(totals)
    rows = [("", *(TITLES[figure] if figure == SSIM else f"{TITLES[figure]}, {UNITS[figure]}" for figure in figures))]
    for name in names:
        values = [(figure, totals.get(f"{figure}_{name}")) for figure in figures]
        rows.append((name, *("" if value is None else f"{value:{FORMS[figure]}}" for figure, value in values)))
    return rows


def _figures(totals: Row) -> list[str]:
    """Return the figures that were measured."""
    return [figure for figure in TITLES if any(column.startswith(f"{figure}_") for column in totals)]


def _summary(content: Content) -> str:
    heading, *rows = table(content.totals, list(content.paths))
    head = "".join(f"<th>{word}</th>" for word in heading)
    body = "".join(
        f"<tr><th>{name}: {escape(content.paths[name].name)}</th>{''.join(f'<td>{word}</td>' for word in words)}</tr>"
        for name, *words in rows
    )
    sentence = f"{content.frames} frames. {_explained(content)}"
    return f"<table><tr>{head}</tr>{body}</table>\n<p>{sentence}</p>"


def _explained(content: Content) -> str:
    leader = TRUTH if TRUTH in content.paths else BEFORE
    measured = "" if content.every == 1 else f", measured on every {content.every}th frame"
    flicker = (
        "Temporal flicker is the mean absolute change of luma, in codes of 8 bits, from the frame before, along the "
        f"motion in {leader}{measured}."
    )
    if leader == BEFORE:
        return (
            "How good the result is cannot be told without the truth; it was changed by so many codes of 8 bits, mean "
            f"absolute difference in RGB. {flicker}"
        )
    return (
        "PSNR and SSIM are against truth, in RGB of 8 bits; PSNR of all samples together, SSIM over boxes of 7x7 pixels"
        f"{measured}. {flicker}"
    )


def frames_with_slider(samples: Sequence[Sample], pairs: Sequence[tuple[str, str]]) -> str:
    """Return whole frames, two clips of them at a time on both sides of a slider.

    Args:
        samples: the frames.
        pairs: clips that are shown together, by names without a space; the first pair to begin with.

    """
    options = "".join(f'<option value="{left} {right}">{left} | {right}</option>' for left, right in pairs)
    figures = "".join(_slider(sample, dict(zip(pairs[0], ("left", "right"), strict=True))) for sample in samples)
    return f'<h2>Frames</h2>\n<p><label>Left | right: <select id="pair">{options}</select></label></p>\n{figures}'


def _slider(sample: Sample, sides: Mapping[str, str]) -> str:
    images = "".join(
        f'<img data-clip="{name}" data-side="{sides.get(name, "none")}" alt="{name}" src="{data_uri(image)}">'
        for name, image in sample.images.items()
    )
    handle = (
        f'<i></i><input type="range" min="0" max="100" step="0.1" value="50" aria-label="{sample.caption}: divide">'
    )
    caption = f"<figcaption>{sample.caption}</figcaption>"
    return f'<figure><div class="slider">{images}{handle}</div>{caption}</figure>\n'


def _crops(content: Content) -> str:
    if not content.crops:
        return "<h2>Where before and after differ most</h2>\n<p>They do not differ.</p>"
    figures = []
    for crop in content.crops:
        images = "".join(
            f'<div>{name}<img alt="{name}" src="{data_uri(image)}"></div>' for name, image in crop.images.items()
        )
        figures.append(f'<figure><div class="crops">{images}</div><figcaption>{crop.caption}</figcaption></figure>\n')
    return f"<h2>Where before and after differ most</h2>\n{''.join(figures)}"


def _plot(content: Content, figure: str) -> str:
    names = [name for name in content.paths if f"{figure}_{name}" in content.curves]
    legend = "".join(f'<span class="{name}">{name}</span>' for name in names)
    drawing = plot({name: content.curves[f"{figure}_{name}"] for name in names}, UNITS[figure])
    return f'<h2>{TITLES[figure]} of every frame</h2>\n<p class="legend">{legend}</p>\n{drawing}'
