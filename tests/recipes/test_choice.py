from __future__ import annotations

import pytest

from vsrestore.checkpoints import entries, how_to_get
from vsrestore.recipes.choice import chosen, filters_to_run
from vsrestore.recipes.errors import StepsError
from vsrestore.recipes.recipe import Recipe, Step, of_steps, read_recipe, shipped


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """An empty folder of fetched weights."""
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    return tmp_path


def own(filter: str) -> Recipe:
    return Recipe("mine.toml", "", (Step("mine", (filter,), own=True),))


@pytest.mark.parametrize("name", shipped())
def test_a_recipe_runs_on_a_machine_that_never_was_online(weights, name):
    """What is left of it needs no weights but those that come with the package."""
    recipe = read_recipe(name)
    calls = filters_to_run(recipe, chosen(recipe))
    named = {entry for entry in entries() for call in calls if f"'{entry}'" in call}
    assert all(entries()[entry].shipped for entry in named)
    assert calls


def test_what_is_fetched_is_taken_and_what_could_be_is_told(weights):
    (before,) = chosen(of_steps("denoise"))
    assert before.filter == "film(model='film', grain=1)"
    assert str(before) == (
        "denoise: film(model='film', grain=1); preferred once here: rvrt (vsrestore weights fetch rvrt-denoise-davis, "
        "not for commercial use), scunet (vsrestore weights fetch scunet-color-real-psnr)"
    )
    (weights / entries()["rvrt-denoise-davis"].file).touch()
    (after,) = chosen(of_steps("denoise"))
    assert (after.filter, after.preferred) == ("rvrt(task='denoise', model='rvrt-denoise-davis')", ())


def test_the_commands_that_are_told_are_those_of_the_registry(weights):
    (deblur,) = chosen(of_steps("deblur"))
    assert deblur.filter is None
    assert str(deblur).startswith("deblur: left out until weights of one of these are here: rvrt (")
    for candidate in deblur.preferred:
        (entry,) = candidate.missing
        fetched = f"vsrestore weights fetch {entry.name}" in candidate.words
        assert fetched == (f"vsrestore weights fetch {entry.name}" in how_to_get(entry))


def test_a_step_that_is_off_is_not_done(weights):
    recipe = read_recipe("family-tape")
    off = [step.name for step in recipe.steps if not step.on]
    told = [str(choice) for choice in chosen(recipe) if not choice.step.on]
    assert told == [f"{name}: off" for name in off]
    assert len(filters_to_run(recipe, chosen(recipe))) < len(recipe.steps)


def test_nothing_to_do_is_told(weights):
    recipe = of_steps("deblur")
    with pytest.raises(StepsError, match="nothing is left to do"):
        filters_to_run(recipe, chosen(recipe))


@pytest.mark.parametrize(
    ("filter", "message"),
    [
        ("film(grain=__import__('os'))", "mine.toml: step 'mine': .*cannot be read"),
        ("flim", "mine.toml: step 'mine': flim: unknown; accepted: .*film"),
        ("film(grian=1)", "film: has no argument 'grian'"),
        ("ddcolor(model='ddcolor-modelscope')", "its weights are not here: ddcolor .vsrestore weights fetch ddcolor"),
    ],
)
def test_a_filter_of_the_users_own_that_cannot_run_is_no_secret(weights, filter, message):
    with pytest.raises(StepsError, match=message):
        chosen(own(filter))


def test_the_path_of_a_checkpoint_is_the_users_own_business(weights):
    (choice,) = chosen(own("film(model='/nowhere/film.safetensors')"))
    assert choice.filter == "film(model='/nowhere/film.safetensors')"
