"""What is wrong with a figure: texts over each other or outside of it, panels that collapsed, legends over data."""

from __future__ import annotations

import warnings

from matplotlib.text import Text
from scmbench.benchmarks.reporting.figures import style


def texts_of(figure, monkeypatch):
    """What is drawn, and where (in pixels): every text that matplotlib itself asks to be drawn."""
    drawn, draw = {}, Text.draw

    def noting(text, renderer):
        if text.get_visible() and text.get_text().strip():
            drawn[id(text)] = (text.get_text(), text.get_window_extent(renderer))
        draw(text, renderer)

    with monkeypatch.context() as patch, style.styled(), warnings.catch_warnings():
        warnings.simplefilter("error")  # of a layout that collapsed, of letters that the font lacks
        patch.setattr(Text, "draw", noting)
        figure.draw_without_rendering()
    return list(drawn.values())


def overlaps(a, b, slack):
    """Whether two boxes have more in common than `slack` pixels each way."""
    wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
    return wide > slack and high > slack


def wrong_with(figure, monkeypatch):
    texts, canvas = texts_of(figure, monkeypatch), figure.bbox
    outside = [t for t, box in texts if box.x0 < -1 or box.y0 < -1 or box.x1 > canvas.x1 + 1 or box.y1 > canvas.y1 + 1]
    over = [
        (a, b)
        for i, (a, one) in enumerate(texts)
        for b, other in texts[i + 1 :]
        if overlaps(one, other, 0.012 * figure.dpi)
    ]
    panels = [axis.get_window_extent() for axis in figure.axes if axis.get_visible()]
    small = [box.bounds for box in panels if min(box.width, box.height) < 0.05 * figure.dpi]
    legends = [legend.get_window_extent() for legend in figure.legends]
    hidden = [box.bounds for box in panels for legend in legends if overlaps(box, legend, 1)]
    return {"outside": outside, "over each other": over, "collapsed": small, "under a legend": hidden}
