"""The tables and figures of the papers and of the chapters, runnable."""
