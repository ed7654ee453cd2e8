"""Maps in a notebook, driven as the page drives them: by the traits of their widgets."""

from __future__ import annotations

import numpy as np
import pytest
from little_runs import little_run
from matplotlib.colors import to_hex

from sercourse.errors import UserError
from sercourse.explain import map_source
from sercourse.explain.colourings import classes_of
from sercourse.explain.linked_maps import LinkedMaps, linked_maps
from sercourse.explain.map_source import MapSource
from sercourse.explain.maps import silhouette
from sercourse.explain.utterance_panel import HEARD, WAITING

pytestmark = pytest.mark.usefixtures("threads_put_back", "own_runs")


@pytest.fixture(scope="module")
def runs(own_runs, corpus):
    return little_run("msfl", corpus), little_run("msfl", corpus, "hidden=5")


@pytest.fixture
def maps(runs, corpus) -> LinkedMaps:
    first, second = runs
    return linked_maps({"six": first, "five": second}, table=corpus)


def lasso(maps: LinkedMaps, pane: int, rows: list[int]) -> None:
    maps.panes[pane].scatter.widget.selection = np.array(rows, dtype=np.uint32)


def panel_text(maps: LinkedMaps) -> str:
    return "".join(child.value for child in maps.panel.children[:2])


@pytest.mark.parametrize("pane", [0, 1])
def test_what_is_chosen_on_one_map_is_chosen_on_the_other_and_counted(maps, pane):
    rows = [0, 1, 2, 3, 4, 5, 6, 7]
    lasso(maps, pane, rows)
    table = maps.panes[0].source.table
    assert [list(each.scatter.widget.selection) for each in maps.panes] == [rows, rows]
    assert maps.panel.chosen == list(table.index[rows])
    counts, all_counts = table["emotion"].iloc[rows].value_counts(), table["emotion"].value_counts()
    for emotion, count in counts.items():
        share = f"{100 * count / all_counts[emotion]:.0f} %"
        row = panel_text(maps).split(f"</span> {emotion}</td>")[1].split("</tr>")[0]
        assert f">{count}<" in row
        assert f"of {all_counts[emotion]}<" in row
        assert share in row
    assert panel_text(maps).count("<audio") == HEARD


def test_the_page_gets_the_counts_before_the_other_map_is_drawn(maps):
    """A browser that draws answers to nothing else: at 10,000 points the table would wait for the second map."""
    order = []
    maps.panel.children[0].observe(lambda _: order.append("counts"), names="value")
    maps.panes[1].scatter.widget.observe(lambda _: order.append("other map"), names="selection")
    lasso(maps, 0, [0, 1, 2])
    assert order == ["counts", "other map"]


def test_more_of_a_selection_can_be_heard(maps):
    lasso(maps, 0, list(range(8)))
    more = maps.panel.children[2]
    assert more.description == "Hear the next 2 of 2"
    more.click()
    assert panel_text(maps).count("<audio") == 2
    assert more.layout.display == "none"
    lasso(maps, 0, [])
    assert WAITING in panel_text(maps)
    assert "<audio" not in panel_text(maps)


def test_one_utterance_is_played_seen_and_told(maps):
    table = maps.panes[0].source.table
    lasso(maps, 1, [4])
    told = panel_text(maps)
    row = table.iloc[4]
    assert maps.panel.chosen == [table.index[4]]
    assert "<audio controls autoplay" in told
    assert f"alt='log-mel spectrogram of {table.index[4]}" in told
    for title, pane in zip(("six", "five"), maps.panes):
        said = pane.source.table.iloc[4]
        assert f"predicted by {title}</th>" in told
        assert f"{said['predicted']} ({100 * said['confidence']:.0f} % sure)" in told
    assert row["speaker"] in told


def test_hovering_shows_and_a_selection_of_many_stays(maps):
    table = maps.panes[0].source.table
    maps.panes[1].scatter.widget.hovering = 2
    assert maps.panel.chosen == [table.index[2]]
    assert "autoplay" not in panel_text(maps)
    assert maps.panes[0].scatter.widget.hovering == 2
    lasso(maps, 0, [0, 1])
    maps.panes[0].scatter.widget.hovering = 5
    assert maps.panel.chosen == list(table.index[:2])


def test_a_chosen_utterance_comes_back_when_the_mouse_has_left(maps):
    table = maps.panes[0].source.table
    lasso(maps, 0, [3])
    maps.panes[0].scatter.widget.hovering = 5
    assert maps.panel.chosen == [table.index[5]]
    maps.panes[0].scatter.widget.hovering = None
    assert maps.panel.chosen == [table.index[3]]


def test_colours_are_those_of_the_page_and_follow_the_menu(maps):
    pane = maps.panes[0]
    for colour in ("emotion", "judged", "speaker"):
        maps._colour.value = colour
        wanted = {one["name"]: one["colour"] for one in classes_of(pane.source.table[colour])}
        palette = [to_hex(each).upper() for each in pane.scatter.widget.color]
        drawn = [palette[int(code)] for code in np.array(pane.scatter.widget.points)[:, 2]]
        assert drawn == [wanted[name] for name in pane.source.table[colour]]


def test_another_layer_moves_the_points_and_says_its_silhouette(maps):
    pane = maps.panes[0]
    before = np.array(pane.scatter.widget.points)[:, :2]
    pane._layer.value = "egemaps"
    pane._method.value = "pca"
    after = np.array(pane.scatter.widget.points)[:, :2]
    assert after.shape == before.shape
    assert not np.allclose(after, before)
    assert np.abs(after).max() <= 1
    vectors = pane.source.vectors("egemaps")
    assert f"emotion {silhouette(vectors, pane.source.table['emotion']):.2f}" in pane._said.value
    assert pane._perplexity.layout.display == "none"


def test_umap_follows_its_own_slider(maps):
    pane = maps.panes[0]
    pane._method.value = "umap"
    assert (pane._perplexity.layout.display, pane._neighbours.layout.display) == ("none", "")
    pane._neighbours.value = 5
    assert pane.projection.parameters["neighbours"] == 5
    assert "UMAP (neighbours 5" in pane._said.value


def test_of_many_utterances_some_are_asked_for_silhouettes(maps, monkeypatch):
    source = maps.panes[0].source
    whole = source.silhouettes("egemaps")
    monkeypatch.setattr(map_source, "MANY", 8)
    some = source.silhouettes("egemaps")
    assert some["emotion"] != whole["emotion"]
    assert some == source.silhouettes("egemaps")
    drawn = np.sort(np.random.default_rng(0).permutation(len(source.table))[:8])
    wanted = silhouette(source.vectors("egemaps")[drawn], source.table["emotion"].iloc[drawn])
    assert some["emotion"] == pytest.approx(wanted)


def test_both_axes_have_one_measure(maps):
    pane = maps.panes[0]
    pane._method.value = "pca"
    drawn, true = np.array(pane.scatter.widget.points)[:, :2], pane.projection.points
    np.testing.assert_allclose(
        np.ptp(drawn, axis=0) / np.ptp(true, axis=0), np.ptp(drawn[:, 0]) / np.ptp(true[:, 0]), rtol=1e-4
    )


def test_utterances_can_be_named(maps):
    name = maps.panes[0].source.table.index[6]
    maps._choose.value = name
    assert maps.panel.chosen == [name]
    with pytest.raises(UserError, match="nobody: no such utterance"):
        maps.choose("nobody")


def test_only_common_utterances_are_drawn(runs, corpus):
    first = MapSource(runs[0], table=corpus)
    second = MapSource(runs[1], table=corpus, side="all")
    assert len(second.table) > len(first.table)
    maps = LinkedMaps(first, second)
    assert [list(pane.source.table.index) for pane in maps.panes] == [list(first.table.index)] * 2
    assert len(second.table) == 18, "what was given stays whole"
    assert len(maps.panes[1].projection.points) == len(first.table)


def test_runs_without_common_utterances_are_one_sentence(runs, corpus):
    with pytest.raises(UserError, match="0 utterances are left, and 4 make a map"):
        LinkedMaps(MapSource(runs[0], table=corpus), MapSource(runs[1], table=corpus, fold=1))


def test_what_cannot_be_coloured_is_one_sentence(runs, corpus):
    with pytest.raises(UserError, match="--colour age: choose one of emotion"):
        linked_maps(runs[0], table=corpus, colour="age")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"runs": {}}, "give one run or more"), ({"layers": {"sixx": "egemaps"}}, "there is no map 'sixx'")],
)
def test_what_cannot_be_drawn_is_one_sentence(runs, corpus, options, sentence):
    with pytest.raises(UserError, match=sentence):
        linked_maps(**{"runs": {"six": runs[0]}, "table": corpus} | options)


def test_without_a_kernel_there_is_a_picture(maps):
    assert repr(maps) == maps.no_kernel
    figure = maps.still("judged")
    assert {text.get_text() for text in figure.axes[-1].get_legend().get_texts()} == set(
        maps.panes[1].source.labels("judged")
    )
    assert [ax.get_title() for ax in figure.axes] == ["six", "five"]
    assert "trustworthiness" in figure.axes[0].get_xlabel()
