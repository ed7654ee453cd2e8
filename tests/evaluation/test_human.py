"""The human ceiling: by hand, and on the real perception test."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sercourse.evaluation.human import human_ceiling


def test_by_hand():
    perception = pd.DataFrame(
        {
            "emotion": ["anger", "anger", "fear", "fear"],
            "recognised": [100.0, 80.0, 60.0, 10.0],
            "natural": [50.0, 70.0, 90.0, 20.0],
        },
        index=["c/1", "c/2", "c/3", "c/rejected"],
    )
    emotions = pd.Series({"c/3": "fear", "c/2": "anger", "c/1": "anger", "c/unheard": "fear", "c/unlabelled": None})
    ceiling = human_ceiling(perception, emotions)
    assert ceiling.wa == 80.0
    assert ceiling.ua == 75.0
    assert (ceiling.n, ceiling.uncovered) == (3, 1)
    assert (ceiling.wa_all, ceiling.ua_all, ceiling.n_all) == (62.5, 62.5, 4)
    assert ceiling.per_emotion.loc["anger"].to_dict() == {"recognised": 90.0, "natural": 60.0, "n": 2}
    assert "chosen" in ceiling.caveat
    with pytest.raises(ValueError, match="check the utterance ids"):
        human_ceiling(perception, pd.Series({"other/1": "fear"}))


@pytest.mark.realdata
def test_emodb(emodb: Path):
    from sercourse.corpora.emodb import perception_test

    perception = perception_test(emodb)
    names = [f"emodb/{path.stem}" for path in (emodb / "wav").glob("*.wav")]
    ceiling = human_ceiling(perception, perception.loc[names, "emotion"])
    assert (ceiling.n, ceiling.uncovered, ceiling.n_all) == (535, 0, 816)
    assert (round(ceiling.wa, 1), round(ceiling.ua, 1)) == (93.5, 93.0)
    assert (round(ceiling.wa_all, 1), round(ceiling.ua_all, 1)) == (85.2, 84.9)
    assert perception.loc[names, "recognised"].min() == 80
    assert ceiling.per_emotion["recognised"].idxmax() == "anger"
