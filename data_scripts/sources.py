"""Where the corpora that may be fetched come from. What they are and must hold stands on their cards.

The addresses are those which the authors publish. A repository is pinned to one commit. Zenodo publishes a checksum
with every file; GitHub and GitLab pack an archive on request and promise nothing about its bytes, so there is no
checksum to state for those: they are judged by the commit written into the archive and by their content.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Download:
    """One file to fetch: an archive to unpack or, with ``place``, a plain file."""

    filename: str
    """Name under which it is kept; on Zenodo, also its name in the record."""
    url: str = ""
    """Address of the file; empty where ``record`` tells it."""
    record: str = ""
    """Address of a Zenodo record's metadata (JSON), which names the file's address, size and checksum."""
    commit: str = ""
    """Git commit that the archive was made from; compared with the one inside the archive, if it has one."""
    keep: str = ""
    """Regular expression searched in each member's path; the others stay packed. Empty: keep all."""
    place: str = ""
    """A plain file's path inside the corpus folder."""


@dataclass(frozen=True)
class Source:
    """A corpus that may be fetched without asking anybody."""

    name: str
    """The corpus's name in sercourse; its card and its loader have the same one."""
    size: str
    """Of the download, for people."""
    page: str
    """The page to open in a browser when the script cannot get through."""
    downloads: tuple[Download, ...]
    holds: str
    """A folder that lies directly in the corpus folder, wherever the archive keeps that."""
    seconds: tuple[float, float]
    """Shortest and longest plausible duration of a recording, seconds."""
    also: tuple[str, ...] = ()
    """Files that must be there beside the recordings."""
    odd: tuple[str, ...] = ()
    """Stems of recordings that are broken at the source; they are not looked into."""
    utterances: int | None = None
    """Number of recordings that sercourse loads; ``None``: as many as the card says."""
    note: str = ""
    """What the user should know before the download."""


_NEMO = "06f1f83dde8f1a780443a57d53b2af3971af34ab"
_URDU = "4b546d4e0fa36d1c86c53a281631b2ab7ce2fdec"
_CREMA = "d15eeed6a139e9724483ed9a2fc4643f88708b79"
_CREMA_MIRROR = "https://gitlab.com/cs-cooper-lab/crema-d-mirror"

_ALL = (
    Source(
        name="emodb",
        size="size as the record says, about 70 MB when unpacked",
        page="https://zenodo.org/records/17651657",
        downloads=(
            Download(
                filename="emodb_2.0.zip",
                record="https://zenodo.org/api/records/17651657",
                # Release 2.0 also has laryngograms, under the same names in another folder.
                keep=r"(^|/)wav/[^/]+\.wav$|(^|/)db\.[^/]+\.csv$|(^|/)erkennung\.txt$",
            ),
        ),
        holds="wav",
        seconds=(1.0, 10.0),
        note="The first release, http://emodb.bilderbar.info/download/download.zip, put there by hand, will do too.",
    ),
    Source(
        name="ravdess",
        size="208 MB, about 520 MB when unpacked",
        page="https://zenodo.org/records/1188976",
        downloads=(
            Download(filename="Audio_Speech_Actors_01-24.zip", record="https://zenodo.org/api/records/1188976"),
        ),
        holds="Actor_01",
        seconds=(2.5, 6.0),
    ),
    Source(
        name="cremad",
        size="about 580 MB",
        page=_CREMA_MIRROR,
        downloads=(
            Download(
                filename="crema-d-AudioWAV.zip",
                # GitHub holds the audio in Git LFS, whose budget is spent, and its archives have pointers instead of
                # sound. The authors send users to this mirror; GitLab packs the sound itself.
                url=f"{_CREMA_MIRROR}/-/archive/{_CREMA}/crema-d-mirror-{_CREMA}.zip?path=AudioWAV",
                commit=_CREMA,
                keep=r"(^|/)AudioWAV/[^/]+\.wav$",
            ),
            Download(
                filename="VideoDemographics.csv",
                url=f"{_CREMA_MIRROR}/-/raw/{_CREMA}/VideoDemographics.csv",
                place="VideoDemographics.csv",
            ),
        ),
        holds="AudioWAV",
        seconds=(0.8, 10.0),
        also=("VideoDemographics.csv",),
        odd=("1076_MTI_SAD_XX",),  # "no audio, very short", says the corpus's own README
        note="The authors ask users to sign the guest book on https://github.com/CheyneyComputerScience/CREMA-D.",
    ),
    Source(
        name="nemo",
        size="about 530 MB",
        page="https://github.com/amu-cai/nEMO",
        downloads=(
            Download(
                filename=f"nEMO-{_NEMO[:7]}.zip",
                url=f"https://github.com/amu-cai/nEMO/archive/{_NEMO}.zip",
                commit=_NEMO,
            ),
        ),
        holds="samples",
        seconds=(0.4, 10.0),
        also=("data.tsv",),
    ),
    Source(
        name="urdu",
        size="400 recordings of a few seconds",
        page="https://github.com/siddiquelatif/URDU-Dataset",
        downloads=(
            Download(
                filename=f"URDU-{_URDU[:7]}.zip",
                url=f"https://github.com/siddiquelatif/URDU-Dataset/archive/{_URDU}.zip",
                commit=_URDU,
            ),
        ),
        holds="Angry",
        seconds=(0.3, 20.0),
    ),
)

SOURCES: dict[str, Source] = {source.name: source for source in _ALL}
