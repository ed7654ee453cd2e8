"""sercourse: multi-task speech emotion recognition, taught, made runnable and judged honestly.

The house is read from the bottom up (docs of each floor say more):

* ``corpora`` and ``signal``: what was said by whom, and the waveform it was said with.
* ``features``: waveform to arrays, and the store that keeps them.
* ``layers``, ``losses``, ``models``: the five papers' networks.
* ``evaluation``: metrics, calibration, significance.
* ``training``: protocols, baselines, runs.
* ``experiments``, ``explain``, ``cli``: tables, figures, commands.
"""

__version__ = "0.1.0"
