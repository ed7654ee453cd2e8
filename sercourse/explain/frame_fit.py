"""Frames of jupyter-scatter no larger than the maps that are drawn.

It draws every map in one frame as large as the browser's window and cuts the map out. Without a graphics card the rest
of the window costs most of the time between letting go of a lasso and its table; `python -m benchmarks explorer` says
how much.

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

from sercourse.errors import UserError

NO_MAPS = "Maps in a notebook are drawn by jupyter-scatter; install sercourse[notebooks]."
"""Said where what draws them is not installed."""

try:
    import anywidget
except ImportError:
    raise UserError(NO_MAPS) from None


class FrameFit(anywidget.AnyWidget):
    """Nothing to see: once maps are drawn, it lets their common frame grow from nothing to the largest of them."""

    _esm = """
    const EVERY_MS = 100;

    function fit() {
      const renderer = window.jupyterScatter?.renderer;
      if (!renderer) return false;
      if (renderer.fitsMaps || !renderer.resize || !renderer.render) return true;
      renderer.fitsMaps = true;
      const render = renderer.render;
      renderer.render = (draw, map) => {
        const frame = renderer.canvas, dpr = window.devicePixelRatio;
        if (map.width > frame.width || map.height > frame.height) {
          // A pixel more: what is divided here and multiplied there may come back smaller.
          renderer.resize((Math.max(map.width, frame.width) + 1) / dpr, (Math.max(map.height, frame.height) + 1) / dpr);
          renderer.refresh();  // else this frame is drawn in the old size
        }
        render(draw, map);
      };
      renderer.resize(1, 1);
      return true;
    }

    export default {
      render() {
        if (fit()) return;
        const waiting = setInterval(() => { if (fit()) clearInterval(waiting); }, EVERY_MS);
        return () => clearInterval(waiting);
      },
    };
    """
