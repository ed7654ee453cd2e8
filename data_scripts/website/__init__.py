"""The course's web site: pages made from notebooks, docstrings, cards and measured results; Sphinx makes HTML of them.

    python -m data_scripts.website            (``make site``) build/site, from nothing or from what changed

What is written by hand lies in ``docs/``; what is made lies in ``build/`` and is never committed.
"""
