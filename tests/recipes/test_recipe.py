from __future__ import annotations

import re

import pytest

from vsrestore.checkpoints import entries
from vsrestore.pipeline.script import parse_filter, resolved
from vsrestore.recipes import recipe as recipes
from vsrestore.recipes.choice import exists
from vsrestore.recipes.errors import StepsError
from vsrestore.recipes.recipe import Step, of_steps, read_recipe, shipped, text_of
from vsrestore.recipes.steps import STEPS


@pytest.fixture
def read(tmp_path):
    """Return a function that reads a recipe of a text."""

    def of(text: str | bytes):
        path = tmp_path / "mine.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_recipe(str(path))

    return of


def test_the_shipped_recipes_are_those_of_the_issue():
    assert {"family-tape", "film-8mm", "vhs", "web-video"} == set(shipped())


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_recipe_can_be_read_and_says_how_it_is_edited(name):
    recipe = read_recipe(name)
    assert recipe.about
    assert any(step.on for step in recipe.steps)
    assert "vsrestore recipes family-tape" in text_of(name)
    assert max(map(len, text_of(name).splitlines())) <= 120


@pytest.mark.parametrize("step", STEPS)
def test_every_filter_of_a_step_exists_and_takes_what_it_is_given(step):
    for text in filter(exists, STEPS[step]):
        call = parse_filter(text)
        assert resolved(call, {}) == call
        assert set(re.findall(r"'([a-z]+(?:-\w+)+)'", text)) <= set(entries())


@pytest.mark.parametrize("name", shipped())
def test_this_version_has_a_filter_for_every_step_of_a_shipped_recipe(name):
    assert [step.name for step in read_recipe(name).steps if not any(map(exists, step.filters))] == []


def test_a_file_is_read(read):
    recipe = read(
        'about = "mine"\n[[step]]\nname = "tape"\n[[step]]\nname = "denoise"\non = false\n'
        '[[step]]\nname = "soft grain"\nfilter = ["film(grain=0.1)", "film"]\n'
    )
    assert recipe.about == "mine"
    assert recipe.steps == (
        Step("tape", STEPS["tape"]),
        Step("denoise", STEPS["denoise"], on=False),
        Step("soft grain", ("film(grain=0.1)", "film"), own=True),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no steps"),
        ("step = 3", "has no steps"),
        ("step = [3]", "has no steps"),
        ("[[step]\n", "is not valid TOML"),
        ("a = " + "[" * 20_000, "is not valid TOML"),
        (b"about = '\xff'", "no text in UTF-8"),
        ("about = 3\n[[step]]\nname = 'tape'", "about = 3"),
        ("colour = 1\n[[step]]\nname = 'tape'", "unknown key 'colour'; known are about, step"),
        ("[[step]]\nname = 'tape'\nmodel = 'x'", "unknown key 'model'; known are name, on, filter"),
        ("[[step]]\non = true", "the name of a step is None"),
        ("[[step]]\nname = '\\u001b[2J'", "the name of a step is"),
        ("[[step]]\nname = 'polish'", "'polish' is not known and has no filter; known: lines, deinterlace,"),
        ("[[step]]\nname = 'tape'\non = 'yes'", "on = 'yes'"),
        ("[[step]]\nname = 'tape'\nfilter = []", r"filter = \[\]"),
        ("[[step]]\nname = 'tape'\nfilter = [3]", r"filter = \[3\]"),
        ("[[step]]\nname = 'tape'\n[[step]]\nname = 'tape'", "two steps 'tape'"),
    ],
)
def test_what_cannot_be_meant_is_told(read, text, message):
    with pytest.raises(StepsError, match=message):
        read(text)


@pytest.mark.parametrize("name", ["no-such", "/", "..", "a\0b", "x" * 5000])
def test_a_recipe_that_is_not_there(name):
    with pytest.raises(StepsError, match=r"no such recipe; there are family-tape|cannot be read|no text in UTF-8"):
        read_recipe(name)


def test_a_file_that_is_too_large_is_not_read(read, monkeypatch):
    monkeypatch.setattr(recipes, "LARGEST", 10)
    with pytest.raises(StepsError, match="and so is no recipe"):
        read("about = 'more than ten bytes'")


def test_steps_are_chosen_put_in_order_and_given_filters():
    recipe = read_recipe("family-tape").changed("upscale, denoise,tape", {"tape": "film"})
    assert [step.name for step in recipe.steps] == ["upscale", "denoise", "tape"]
    assert all(step.on for step in recipe.steps)
    assert recipe.steps[2].filters == ("film",)
    assert [step.name for step in of_steps("film,upscale").steps] == ["film", "upscale"]


def test_a_filter_switches_its_step_on_and_the_others_stay():
    before = read_recipe("family-tape")
    after = before.changed(None, {"colour": "film(grain=0.5)"})
    assert [step.name for step in after.steps] == [step.name for step in before.steps]
    changed = {step.name for step, old in zip(after.steps, before.steps, strict=True) if step != old}
    assert changed == {"colour"}
    assert {step.name: step.on for step in after.steps}["colour"]


@pytest.mark.parametrize(
    ("order", "filters", "message"),
    [
        ("tape,polish", {}, "'polish' is not known"),
        ("tape,tape", {}, "two steps 'tape'"),
        (None, {"x": "film"}, "no step 'x'"),
    ],
)
def test_changes_that_cannot_be(order, filters, message):
    with pytest.raises(StepsError, match=message):
        read_recipe("vhs").changed(order, filters)
