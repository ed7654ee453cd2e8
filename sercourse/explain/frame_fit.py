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
    """Nothing to see: once maps are drawn, it keeps their common frame as large as the largest of them."""

    _esm = """
    const EVERY_MS = 100;

    function fit() {
      const renderer = window.jupyterScatter?.renderer;
      if (!renderer) return false;
      if (renderer.fitsMaps || !renderer.resize || !renderer.render) return true;
      renderer.fitsMaps = true;
      const render = renderer.render, maps = new Set();
      renderer.render = (draw, map) => {
        for (const one of maps) if (!one.isConnected) maps.delete(one);
        maps.add(map);
        const frame = renderer.canvas, dpr = window.devicePixelRatio;
        const largest = (side) => Math.max(...[...maps].map((one) => one[side])) + 1;
        const wide = largest("width"), high = largest("height");
        const fits = (has, wanted) => has === wanted || has === wanted - 1;  // divided and multiplied, one may be lost
        if (!fits(frame.width, wide) || !fits(frame.height, high)) {
          renderer.resize(wide / dpr, high / dpr);
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
