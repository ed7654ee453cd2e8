"""Gradio, or the sentence that says how to get it. Import this before anything that takes long."""

from __future__ import annotations

from sercourse.errors import UserError

try:
    import gradio as gr
except ImportError:
    raise UserError("The page needs Gradio; install it with: pip install 'sercourse[app]'") from None

__all__ = ["gr"]
