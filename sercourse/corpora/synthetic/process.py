"""Fresh processes, one for each speaker: espeak-ng's hidden state never passes from one speaker to the next."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from sercourse.corpora.synthetic.voices import SPEAKERS
from sercourse.errors import CorpusError

_PACKAGE = Path(__file__).parents[2]  # the folder of sercourse

# The parent packages stand in as empty shells: what they import for tables (pandas, pandera) takes seconds, which ten
# processes would pay ten times.
_PROGRAM = f"""
import sys, types
for name, folder in {{
    "sercourse": {str(_PACKAGE)!r},
    "sercourse.corpora": {str(_PACKAGE / "corpora")!r},
    "sercourse.corpora.synthetic": {str(Path(__file__).parent)!r},
}}.items():
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder]
from sercourse.corpora.synthetic.speaker import main
sys.exit(main(sys.argv[1:]))
"""


def speak_all(utterances: int, seed: int, folder: Path, workers: int, spoken: Callable[[dict], None]) -> list[dict]:
    """Let every speaker speak, ``workers`` of them at a time.

    Args:
        utterances: in the whole corpus.
        seed: of the whole corpus.
        folder: where the wav files go; it exists.
        workers: processes at one time; the files do not depend on it.
        spoken: called with each file's record as it is finished, from other threads.

    Returns:
        The records of :func:`~sercourse.corpora.synthetic.speaker.speak_script` of all files, sorted by name.

    Raises:
        CorpusError: a speaker's process failed.
    """
    running: dict[str, subprocess.Popen] = {}
    stopping = False

    def speak(code: str) -> list[dict]:
        if stopping:
            return []
        command = [sys.executable, "-c", _PROGRAM, code, str(utterances), str(seed), str(folder)]
        # numpy's linear algebra is not used: one thread starts faster than many
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", env=environment
        ) as process:
            running[code] = process
            records = []
            for line in process.stdout:
                records.append(json.loads(line))
                spoken(records[-1])
            complaint = process.stderr.read().strip()
        if process.returncode != 0 and not stopping:
            reason = complaint.splitlines()[-1] if complaint else f"it ended with code {process.returncode}"
            raise CorpusError(f"synthetic: speaker {code} could not be made: {reason}")
        return records

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(speak, speaker.code) for speaker in SPEAKERS]
        try:
            done = [record for future in as_completed(futures) for record in future.result()]
        except BaseException:  # an interrupt as well: leave no process behind
            stopping = True
            for process in running.values():
                process.kill()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return sorted(done, key=lambda record: record["name"])
