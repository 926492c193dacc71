import re

import pytest

from vsrestore.checkpoints import CheckpointError, entries, get
from vsrestore.checkpoints.registry import read_registry, weights_folder
from vsrestore.checkpoints.verify import sha256_of
from vsrestore.networks import ARCHITECTURES

GOOD = """
[net-a]
architecture = "edvr"
variant = "x4"
file = "a.pth"
urls = ["https://example.org/a.pth"]
sha256 = "0123abcd"
recorded = "A"
licence = "MIT"
commercial = true
"""


def _read(tmp_path, text):
    path = tmp_path / "registry.toml"
    path.write_text(text)
    return read_registry(path)


def test_reads_an_entry(tmp_path):
    entry = _read(tmp_path, GOOD)["net-a"]
    assert (entry.name, entry.urls, entry.size, entry.commercial) == (
        "net-a",
        ("https://example.org/a.pth",),
        None,
        True,
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("variant", "varaint", "unknown key 'varaint'"),
        ('licence = "MIT"', "", "licence"),
        ('licence = "MIT"', "licence = 3", "licence must be str"),
        ("commercial = true", 'commercial = "perhaps"', "commercial must be"),
        ('urls = ["https://example.org/a.pth"]', "", "needs urls"),
        ("https://", "file:///", "urls must begin"),
        ('file = "a.pth"', 'file = "../a.pth"', "plain file name"),
        ("0123abcd", "0123", "8 to 64 hex"),
        ('recorded = "A"', "", "who published it"),
        ('recorded = "A"', 'recorded = "X"', "recorded must join"),
        ("[net-a]", GOOD + "[net-b]", "both use the file a.pth"),
        ("[net-a]", GOOD + "[net-a]", "net-a"),
        ("[net-a]", "[net-a", "registry.toml"),
    ],
)
def test_mistakes_in_the_file_are_told(tmp_path, old, new, message):
    with pytest.raises(CheckpointError, match=message):
        _read(tmp_path, GOOD.replace(old, new, 1))


def test_unknown_names_bring_suggestions():
    with pytest.raises(CheckpointError, match="did you mean film"):
        get("flim")
    with pytest.raises(CheckpointError, match="vsrestore weights list"):
        get("zzzzzzzzz")


def test_another_architectures_entry_is_refused():
    with pytest.raises(CheckpointError, match="film is a checkpoint for temporal_unet, not for edvr"):
        get("film", "edvr")


def test_what_we_ship_is_recorded_with_its_hash():
    shipped = [entry for entry in entries().values() if entry.shipped and (weights_folder() / entry.file).exists()]
    assert {entry.name: sha256_of(weights_folder() / entry.file) for entry in shipped} == {
        entry.name: entry.sha256 for entry in shipped
    }


def test_every_file_in_the_weights_folder_is_in_the_registry():
    files = {path.name for path in weights_folder().glob("*.safetensors")}
    assert files <= {entry.file for entry in entries().values() if entry.shipped}


WHEEL = 'wheel = {package = "toy", version = "1.5", member = "toy/a.pth", sha256 = "SHA"}'.replace("SHA", "0" * 64)


def test_reads_a_package_that_holds_a_file(tmp_path):
    text = GOOD.replace('urls = ["https://example.org/a.pth"]', WHEEL).replace('recorded = "A"', 'recorded = "W"')
    entry = _read(tmp_path, text)["net-a"]
    assert str(entry.wheel) == "toy==1.5"
    assert entry.is_fetchable


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("toy/a.pth", "../a.pth", "member must be the name of a file in the package"),
        ("toy/a.pth", "/a.pth", "member must be"),
        ('"toy"', '"toy --hash"', "is no package and version"),
        ('"1.5"', '"1.5 ; x"', "is no package and version"),
        ("0" * 64, "0" * 63, "sha256 of a wheel must be 64"),
        ("member", "file", "unexpected keyword"),
    ],
)
def test_mistakes_in_a_package_are_told(tmp_path, old, new, message):
    text = GOOD.replace('urls = ["https://example.org/a.pth"]', WHEEL.replace(old, new, 1))
    with pytest.raises(CheckpointError, match=message):
        _read(tmp_path, text)


UNPUBLISHED = {"fastai_unet"}  # its users train it themselves
PARTS = {
    "diffusion_control",
    "diffusion_text",
    "diffusion_unet",
    "diffusion_vae",
}  # of "diffbir" and "stable_diffusion"


def test_entries_are_sorted_by_architecture_and_networks_we_have_are_served():
    architectures = [entry.architecture for entry in entries().values()]
    assert architectures == sorted(architectures)
    assert set(ARCHITECTURES) - UNPUBLISHED - PARTS <= set(architectures)


def test_eight_digits_in_a_file_name_are_those_of_the_recorded_hash():
    """The publishers that name files so record the first digits of the file's sha256."""
    named = {entry.name: (entry, re.search(r"-([0-9a-f]{8})\.pth$", entry.file)) for entry in entries().values()}
    checked = [entry.sha256.startswith(match[1]) for entry, match in named.values() if match]
    assert len(checked) > 20
    assert all(checked)


NEW_NETWORKS = {  # architecture -> (how many checkpoints, licence, commercial use) as their authors state
    "rvrt": (6, "CC BY-NC 4.0", False),
    "psrt": (2, "none given", "unclear"),
    "mmp_rnn": (2, "MIT", True),
    "tape_reference": (1, "CC BY-NC 4.0", False),
    "analog_swin_unet": (1, "MIT", True),
    "rife": (1, "MIT (the package; none stated for the weights)", True),
}


@pytest.mark.parametrize("architecture", NEW_NETWORKS)
def test_checkpoints_of_video_restorers_say_what_their_licence_allows(architecture):
    count, licence, commercial = NEW_NETWORKS[architecture]
    entered = [entry for entry in entries().values() if entry.architecture == architecture]
    assert len(entered) == count
    assert {(entry.licence, entry.commercial) for entry in entered} == {(licence, commercial)}


def test_a_file_that_can_be_fetched_has_a_hash_or_a_known_kind():
    """Where no hash is published, the structure of the file is what tells that it is whole."""
    endings = (".pth", ".pt", ".ckpt", ".bin", ".safetensors", ".pkl", ".pth.tar", ".zip")
    unknown = [entry.name for entry in entries().values() if not entry.has_hash and not entry.file.endswith(endings)]
    assert not unknown
