import pytest

import vsrestore
from vsrestore.checkpoints import CheckpointError, entries, filters_of, find, get, told_filters
from vsrestore.networks import ARCHITECTURES

WITHOUT_CHECKPOINTS = {
    *("deflicker", "deinterlace", "levels", "lines_in_place", "scenes", "stabilise", "static_overlay"),
    *("digital_damage", "film_damage", "tape_damage"),
}
UNPUBLISHED = {"unet"}  # its users train it themselves
PARTS = {"mmp_net", "spynet", "diffusion_control", "diffusion_text", "diffusion_unet", "diffusion_vae"}  # of others


def test_every_filter_with_weights_is_that_of_some_entry():
    named = {name for entry in entries().values() for name in filters_of(entry)}
    assert named == set(vsrestore.FILTERS) - WITHOUT_CHECKPOINTS - UNPUBLISHED


def test_networks_we_have_are_run_by_a_filter():
    run = {entry.architecture for entry in entries().values() if filters_of(entry)}
    assert set(ARCHITECTURES) - PARTS - {"fastai_unet"} <= run


@pytest.mark.parametrize(
    ("name", "filters"),
    [
        ("film", ("film",)),
        ("upscale-x2", ("upscale",)),
        ("bsrnet", ("bsrnet", "esrgan", "image_model", "diffbir")),
        ("realesrgan-x4plus", ("esrgan", "bsrnet", "image_model", "diffbir")),
        ("sd21-base-zsnr", ("diffbir",)),
        ("diffbir-v1-general-full", ("diffbir",)),
        ("fns-candy", ("style",)),
        ("basicvsr-2x", ()),
        ("clip-rn50x4", ("tape_reference",)),
    ],
)
def test_which_filters_run_an_entry(name, filters):
    assert filters_of(get(name)) == filters


def test_a_filter_refuses_what_others_run():
    with pytest.raises(CheckpointError, match=r"for swinir, which edvr does not run; vsrestore\.swinir or"):
        find("swinir-real-m-x4", filter="edvr")
    with pytest.raises(CheckpointError, match="for basicvsrpp, which esrgan does not run; no filter of this version"):
        find("basicvsr-2x", filter="esrgan")
    with pytest.raises(CheckpointError, match=r"is not here .*\(vsrestore\.swinir or vsrestore\.image_model"):
        find("swinir-real-m-x4", filter="image_model")
    assert told_filters(get("film")) == "vsrestore.film runs it"
