from pathlib import Path

import pytest

from vsrestore.training.recipe import DataRecipe, RecipeError, read_recipe

RECIPES = sorted((Path(__file__).parents[2] / "scripts" / "training").glob("*.toml"))


def write(folder, text):
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_sections_fill_the_recipe_and_the_rest_keeps_its_defaults(tmp_path):
    recipe = read_recipe(write(tmp_path, 'task = "film"\n[data]\ncrop = 96\nsparks = 1\nvalidation = ["a.mp4"]\n'))
    assert recipe.task == "film"
    assert recipe.data == DataRecipe(crop=96, sparks=1.0, validation=("a.mp4",))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('task = "film"\nsped = 1', "unknown key 'sped'"),
        ('task = "film"\n[data]\ncorp = 96', "data: unknown key 'corp'"),
        ("seed = 1", "the key 'task' is missing"),
        ('task = "film"\nseed = 1.5', "1.5 does not fit"),
        ('task = "film"\n[data]\nvalidation = [1]', "does not fit"),
        ('task = "film"\n[data]\nlicence_classes = "permissive"', "does not fit"),
        ("task = ", "not valid TOML"),
    ],
)
def test_mistakes_are_named(tmp_path, text, says):
    with pytest.raises(RecipeError, match=says):
        read_recipe(write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RecipeError, match="cannot be read"):
        read_recipe(tmp_path / "none.toml")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_the_recipes_of_the_repository_can_be_read_and_take_permissive_shots_only(path):
    assert read_recipe(path).data.licence_classes == ("permissive",)


def test_there_are_recipes():
    assert "film.toml" in [path.name for path in RECIPES]
