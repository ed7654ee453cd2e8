"""The list of what can be reproduced: ``CHAPTER/ARTIFACT`` to the function that measures it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from sercourse.errors import UserError, did_you_mean
from sercourse.experiments import (
    asp_mtl,
    asp_mtl_ablation,
    asp_mtl_peers,
    asp_mtl_probes,
    asp_mtl_remedies,
    asp_mtl_unseen,
    autoencoder_evaluation,
    emotion_autoencoder,
    emotion_autoencoder_figures,
    msfl,
    msfl_attention,
    msfl_silence,
    mtap,
    mtap_figures,
    mtap_imbalance,
    mtap_text,
    mtlser,
    mtlser_backbones,
    mtlser_figures,
    mtlser_grid,
    mtlser_noise,
    mtlser_peers,
    mtlser_pretraining,
    signal_preprocessing,
)
from sercourse.experiments.cells import Bench
from sercourse.models.asp_mtl_config import AUXILIARIES
from sercourse.training.runs import environment

NETWORK = ("profile", "jobs", "store")
"""Options of every artifact that trains networks."""


@dataclass(frozen=True)
class Experiment:
    """One table or figure.

    Attributes:
        title: what it shows, in a line.
        run: measures it as a :class:`~sercourse.experiments.cells.Bench` says; returns figures that can be written as
            JSON.
        options: what of a bench it heeds besides corpus, seed and console.
    """

    title: str
    run: Callable[[Bench], dict]
    options: tuple[str, ...] = NETWORK


def _without_networks(function: Callable[..., dict]) -> Callable[[Bench], dict]:
    """An artifact that only knows corpus, seed and console."""
    return lambda bench: function(corpus=bench.corpus, seed=bench.seed, console=bench.console)


EXPERIMENTS: dict[str, Experiment] = {
    "signal_preprocessing/baselines": Experiment(
        "openSMILE + SVM on EMO-DB and RAVDESS beside reference figures",
        _without_networks(signal_preprocessing.baselines),
        options=(),
    ),
    "signal_preprocessing/protocols": Experiment(
        "one set of features, three protocols: what random folds are worth",
        _without_networks(signal_preprocessing.protocols),
        options=(),
    ),
    "emotion_autoencoder/table4": Experiment(
        "emotion embedding, instance norm and openSMILE features on and off",
        emotion_autoencoder.table4,
        (*NETWORK, "repeats", "rows", "protocol"),
    ),
    **{
        f"emotion_autoencoder/{name}": Experiment(
            f"precision, recall, F1 per emotion: {table['corpus']}, {table['protocol']}",
            partial(emotion_autoencoder.per_class, name=name),
        )
        for name, table in emotion_autoencoder.printed()["per_class"].items()
    },
    **{
        f"emotion_autoencoder/{name}": Experiment(
            f"confusion of the emotions: {table['corpus']}, {table['protocol']}",
            partial(emotion_autoencoder.confusion, name=name),
        )
        for name, table in emotion_autoencoder.printed()["confusion"].items()
    },
    **{
        f"emotion_autoencoder/{name}": Experiment(
            f"other systems as the paper quotes them, beside what was measured: {table['corpus']}",
            partial(emotion_autoencoder.peers, name=name),
        )
        for name, table in emotion_autoencoder.printed()["peers"].items()
    },
    **{
        f"emotion_autoencoder/{name}": Experiment(
            f"t-SNE of the decoder's states, the latent beside them: {protocol}",
            partial(emotion_autoencoder_figures.decoder_states, name=name),
            ("profile", "jobs", "figure"),
        )
        for name, protocol in emotion_autoencoder_figures.PROTOCOLS.items()
    },
    "emotion_autoencoder/evaluation": Experiment(
        "one network, three divisions, the epoch chosen on validation or on test",
        autoencoder_evaluation.evaluation,
        (*NETWORK, "rows", "figure"),
    ),
    "emotion_autoencoder/steps": Experiment(
        "what each step beyond the profile's own network brings, in 10 folds (or 5, or one speaker left out)",
        emotion_autoencoder.steps,
        (*NETWORK, "repeats", "rows", "protocol"),
    ),
    **{
        f"asp_mtl/{name}": Experiment(
            f"{what}, beside other remedies ({table['corpus'].upper()} in the paper)",
            partial(function, name=name),
            (*NETWORK, "rows", "protocol"),
        )
        for what, function, experiment in (
            ("emotion in noise", asp_mtl_peers.against_noise, "experiment1"),
            ("emotion of both genders", asp_mtl_peers.against_gender, "experiment2"),
        )
        for name, table in asp_mtl.printed()[experiment].items()
    },
    **{
        f"asp_mtl/{name}": Experiment(
            f"multi-task networks on speech in noise, accuracy and F1 ({table['corpus'].upper()} in the paper)",
            partial(asp_mtl_peers.multitask, name=name),
            (*NETWORK, "rows", "figure", "protocol"),
        )
        for name, table in asp_mtl.printed()["experiment3"].items()
    },
    **{
        f"asp_mtl/{name}": Experiment(
            f"SNR after noise removal, {table['noise']} noise at four levels, beside the classical methods",
            partial(asp_mtl.snr_table, name=name),
            (*NETWORK, "rows"),
        )
        for name, table in (*asp_mtl.printed()["snr"].items(), ("unseen", {"noise": "unseen"}))
    },
    **{
        f"asp_mtl/{name}": Experiment(title, function, (*NETWORK, "rows", "protocol"))
        for name, function, title in (
            (
                "table9",
                asp_mtl_ablation.ablation,
                "emotion under noise at 0 dB: a single task, one model, the other, both, the machines",
            ),
            ("unseen_emotion", asp_mtl_unseen.unseen_emotion, "the same under noises that no training side held"),
            ("remedies", asp_mtl_remedies.remedies, "what else was tried so that both models beat a single task"),
        )
    },
    **{
        f"asp_mtl/probes_{auxiliary}": Experiment(
            f"what fresh probes read of the {auxiliary} from shared and private features, constraints on and off",
            partial(asp_mtl_probes.probes, auxiliary=auxiliary),
            (*NETWORK, "rows"),
        )
        for auxiliary in AUXILIARIES
    },
    "mtlser/pretraining": Experiment(
        "a linear machine on the frozen small encoder, pretrained and not, openSMILE beside it",
        mtlser_pretraining.pretraining,
        ("rows", "protocol"),
    ),
    "mtlser/tasks": Experiment(
        "what words and speaker do for the emotion, over seeds", mtlser.tasks, (*NETWORK, "repeats", "rows")
    ),
    "mtlser/table4": Experiment(
        "MTLSER beside what runs here of its baselines: WA, UA, cost of an utterance, both kinds of test",
        mtlser_peers.table4,
        (*NETWORK, "rows"),
    ),
    **{
        f"mtlser/{name}": Experiment(title, partial(mtlser_figures.by_fold, name=name), (*NETWORK, "figure"))
        for name, title in (
            ("figure4", "WA and UA of every fold, speakers apart"),
            ("figure5", "confusion of the emotions in every fold"),
            ("figure6", "confusion of the emotions over all folds"),
        )
    },
    **{
        f"mtlser/{task}": Experiment(
            f"figures {figures}: five weights of the {what} alone, curves of both tasks",
            partial(mtlser.weights, task=task),
            (*NETWORK, "rows", "figure"),
        )
        for task, what, figures in (("alpha", "words", "7 and 8"), ("beta", "speaker", "9 and 10"))
    },
    "mtlser/backbones": Experiment(
        "figures 11 to 13: wav2vec2 against HuBERT, or two other encoders that --rows 'FOLDER;FOLDER' names",
        mtlser_backbones.backbones,
        (*NETWORK, "rows", "figure"),
    ),
    "mtlser/table5": Experiment(
        "babble at 0 to 20 dB, trained in it and trained on clean speech", mtlser_noise.babble, (*NETWORK, "rows")
    ),
    "mtlser/words": Experiment(
        "error rates of words on unseen speakers and sentences, accuracy on speakers", mtlser.words, (*NETWORK, "rows")
    ),
    "mtlser/evaluation": Experiment(
        "speakers apart, random folds, a random tenth; the epoch chosen on validation or on test",
        partial(autoencoder_evaluation.evaluation, chapter=mtlser.CHAPTER, lesson=mtlser.LESSON),
        (*NETWORK, "rows", "figure"),
    ),
    "mtlser/figure14": Experiment(
        "surfaces over both weights, by Optuna's grid sampler", mtlser_grid.grid, (*NETWORK, "figure")
    ),
    "mtlser/grid_frozen": Experiment(
        "the same on 11 x 11 weights with the whole encoder frozen, heard once: only the heads learn",
        partial(mtlser_grid.grid, frozen=True),
        (*NETWORK, "figure"),
    ),
    **{
        f"mtap/{name}": Experiment(
            f"softmax, focal, normalised, ArcFace, APFL: {mtap.TABLES[name]} ({', '.join(table)} in the paper)"
            + (", whole sessions, which the paper halves" if name == "table3" else ""),
            partial(mtap.losses, name=name),
            (*NETWORK, "repeats", "rows"),
        )
        for name, table in mtap.printed()["losses"].items()
    },
    **{
        f"mtap/{name}": Experiment(title, function, (*NETWORK, "repeats", "rows"))
        for name, title, function in (
            ("table4", "image, text and audio, alone and together", mtap.modalities),
            ("table5", "the gender as a second task, in three ways", mtap.gender),
            (
                "table6",
                "softmax and APFL, one and three modalities, with the gender, three image networks",
                partial(mtap.whole, name="table6"),
            ),
            ("table7", "peers as the paper quotes them, beside table 6", partial(mtap.whole, name="table7")),
            ("sweep", "APFL over gamma, margin and scale", mtap.sweep),
            ("steps", "what each step of training brings to APFL, strangers tested", mtap.steps),
            ("steps_acquainted", "the same, speaker-dependent", partial(mtap.steps, tested="acquainted")),
        )
    },
    **{
        f"mtap/{name}": Experiment(title, partial(mtap_figures.maps, name=name), ("profile", "jobs", "figure"))
        for name, title in (
            ("figure4", "t-SNE of what is judged under four losses, by distance and by angle"),
            ("figure5", "t-SNE of what is judged with one, two and three modalities"),
        )
    },
    "mtap/imbalance": Experiment(
        "recall of rare emotions: four losses, a remedy", mtap_imbalance.imbalance, (*NETWORK, "rows", "figure")
    ),
    "mtap/text": Experiment(
        "the emotion of the voice from the text alone, speakers apart and sentences apart", mtap_text.text, options=()
    ),
    "msfl/languages": Experiment(
        "each language alone, all pooled, and the language as a second task: UA per language",
        msfl.languages,
        (*NETWORK, "repeats", "rows"),
    ),
    "msfl/languages_loso": Experiment(
        "the same, every speaker left out in turn",
        partial(msfl.languages, name="languages_loso", protocol="loso"),
        (*NETWORK, "repeats", "rows"),
    ),
    "msfl/languages_is10": Experiment(
        "the same with IS10, 1582 features long",
        partial(msfl.languages, name="languages_is10", features="is10"),
        (*NETWORK, "repeats", "rows"),
    ),
    "msfl/one_synthesiser": Experiment(
        "the control: languages that neither a voice nor a room tells apart",
        msfl.one_synthesiser,
        (*NETWORK, "repeats", "rows"),
    ),
    "msfl/sizes": Experiment("how far sizes matter that nobody printed", msfl.sizes, (*NETWORK, "repeats", "rows")),
    "msfl/remedies": Experiment(
        "what else was tried so that the language as a second task helps", msfl.remedies, (*NETWORK, "repeats", "rows")
    ),
    "msfl/left_out": Experiment("languages that training never heard", msfl.left_out, (*NETWORK, "repeats", "rows")),
    "msfl/rankings": Experiment(
        "features of greatest attention, shared and per language, and how far they agree",
        msfl_attention.rankings,
        (*NETWORK, "repeats", "rows"),
    ),
    "msfl/deletion": Experiment(
        "is attention an explanation: UA without the first features of four rankings",
        msfl_attention.deletion,
        (*NETWORK, "repeats", "rows", "figure"),
    ),
    "msfl/silence": Experiment(
        "how well a language is found from what is no speech, and behind one channel", msfl_silence.silence, ()
    ),
    "msfl/silence_one_synthesiser": Experiment(
        "the control: the same where everybody speaks all languages", msfl_silence.silence_one_synthesiser, ()
    ),
}
"""Every artifact, in the order of the chapters."""


def run(artifact: str, bench: Bench) -> dict:
    """Measure an artifact; the versions that the figures depend on are written beside them.

    Raises:
        UserError: no such artifact (the nearest name is suggested), or an option that it does not heed.
    """
    if artifact not in EXPERIMENTS:
        hint = did_you_mean(artifact, EXPERIMENTS)
        raise UserError(f"{artifact}: no such artifact; `sercourse reproduce` lists all of them.{hint}")
    experiment = EXPERIMENTS[artifact]
    plain, heeded = Bench(), (*experiment.options, "corpus", "seed", "console")
    for option, value in vars(bench).items():
        if option not in heeded and value != getattr(plain, option):
            known = ", ".join(f"--{name}" for name in (*experiment.options, "corpus", "seed", "json"))
            raise UserError(f"--{option}: {artifact} has no use for it; it takes {known}.")
    return experiment.run(bench) | {"environment": environment()}
