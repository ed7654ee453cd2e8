"""Maps: points where they belong, colours and shapes as promised, and a silhouette that means something."""

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from sercourse.explain.maps import MARKERS, emotion_map, layer_maps, silhouette, tsne
from sercourse.explain.plots import EMOTION_COLOURS


@pytest.fixture(autouse=True)
def figures():
    with plt.rc_context():
        yield
        plt.close("all")


@pytest.fixture
def table() -> pd.DataFrame:
    """36 utterances: three emotions, three speakers, two genders."""
    emotions = np.repeat(["anger", "neutral", "sadness"], 12)
    speakers = np.tile(["c/f01", "c/m01", "c/f02"], 12)
    genders = np.where(pd.Series(speakers).str.contains("/f"), "female", "male")
    return pd.DataFrame(
        {"emotion": emotions, "speaker": speakers, "gender": genders}, index=[f"u{k}" for k in range(36)]
    )


@pytest.fixture
def islands(table) -> np.ndarray:
    """Vectors in which the emotions are far apart."""
    centres = {"anger": 0.0, "neutral": 8.0, "sadness": -8.0}
    noise = np.random.default_rng(0).standard_normal((36, 10))
    return noise + table["emotion"].map(centres).to_numpy(float)[:, None]


def test_what_is_near_stays_near(islands, table):
    points = tsne(islands)
    assert points.shape == (36, 2)
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1) + 1e9 * np.eye(36)
    nearest = table["emotion"].to_numpy()[distance.argmin(1)]
    assert (nearest == table["emotion"].to_numpy()).all()
    np.testing.assert_array_equal(points, tsne(islands))


def test_few_points_make_a_map_and_fewer_none():
    assert np.isfinite(tsne(np.random.default_rng(0).standard_normal((5, 4)))).all()
    with pytest.raises(ValueError, match="3 points make no map"):
        tsne(np.zeros((3, 4)))


def test_silhouette_tells_islands_from_a_mixture(islands, table):
    apart = silhouette(islands, table["emotion"])
    assert apart > 0.7
    mixed = np.random.default_rng(1).permutation(table["emotion"])
    assert silhouette(islands, mixed) < 0.05
    scaled = islands * np.logspace(0, 6, 10)
    assert silhouette(scaled, table["emotion"]) == pytest.approx(apart), "columns are standardised"


@pytest.mark.parametrize("labels", [["a"] * 6, list("abcdef")])
def test_silhouette_without_groups_has_no_meaning(labels):
    assert np.isnan(silhouette(np.random.default_rng(0).standard_normal((6, 3)), labels))


def test_colour_is_the_emotion_and_shape_the_gender(table):
    points = np.random.default_rng(0).standard_normal((36, 2))
    ax = emotion_map(points, table)
    drawn = {tuple(np.round(point, 6)): c for c in ax.collections for point in c.get_offsets()}
    assert len(drawn) == 36
    shapes = {}
    for point, (_, row) in zip(points, table.iterrows()):
        collection = drawn[tuple(np.round(point, 6))]
        assert tuple(collection.get_facecolor()[0][:3]) == to_rgb(EMOTION_COLOURS[row["emotion"]])
        shapes.setdefault(row["gender"], set()).add(collection.get_paths()[0].vertices.tobytes())
    assert all(len(each) == 1 for each in shapes.values())
    assert shapes["female"] != shapes["male"]
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["anger", "neutral", "sadness", "female", "male"]


def test_shape_by_speaker_and_a_missing_gender(table):
    ax = emotion_map(np.zeros((36, 2)), table, shape="speaker")
    assert [text.get_text() for text in ax.get_legend().get_texts()][3:] == ["f01", "f02", "m01"]
    table.loc["u0", "gender"] = None
    ax = emotion_map(np.zeros((36, 2)), table, plt.figure().subplots(), legend=False)
    assert sum(len(c.get_offsets()) for c in ax.collections) == 36
    assert ax.get_legend() is None
    assert len(set(MARKERS)) == len(MARKERS)


def test_the_silhouette_under_a_map_is_that_of_the_vectors(islands, table):
    scrambled = np.random.default_rng(0).standard_normal((36, 2))  # a projection that lies
    ax = emotion_map(scrambled, table, vectors=islands)
    by = f"emotion {silhouette(islands, table['emotion']):.2f}, gender {silhouette(islands, table['gender']):.2f}"
    assert ax.get_xlabel() == f"silhouette: {by}"


def test_five_layers_side_by_side_and_the_latent_last(islands, table):
    rng = np.random.default_rng(0)
    layers = [islands, *(rng.standard_normal((36, 6)) for _ in range(4))]
    figure = layer_maps(layers, table, latent=rng.standard_normal((36, 8)), title="states")
    assert [ax.get_title() for ax in figure.axes] == ["Emb1", "Emb2", "Emb3", "Emb4", "Emb5", "latent"]
    scores = [float(ax.get_xlabel().removeprefix("silhouette ")) for ax in figure.axes]
    assert scores[0] > 0.7 > 0.2 > max(scores[1:])
    assert [ax.get_legend() is not None for ax in figure.axes] == [False] * 5 + [True]
    assert len(layer_maps(layers, table).axes) == 5
    below = layer_maps(layers, table, latent=layers[0], control=(layers, table))
    assert [ax.get_title() for ax in below.axes if ax.axison] == [*(f"Emb{n}" for n in range(1, 6)), "latent",
                                                                 *(f"Emb{n}" for n in range(1, 6))]  # fmt: skip
