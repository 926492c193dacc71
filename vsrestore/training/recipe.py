"""A recipe: everything that makes a training run what it is, read from a TOML file."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

from vsrestore.errors import VsrestoreError

CRITIC_SEES = 64  # px at least
OPTIMISERS = ("orthogonal", "adamw")


class RecipeError(VsrestoreError, ValueError):
    """A recipe cannot be read, or says something that is not known."""


@dataclass(frozen=True)
class NetworkRecipe:
    """Which network to train.

    architecture: module name in `vsrestore.networks`. settings: arguments of its constructor.
    weights: checkpoint of the same network to begin from, encoder: checkpoint of torchvision's ResNet for the encoder
    of fastai_unet; each a name of the registry or a path, or nothing. widened: whether the weights may be those of a
    network of fewer channels.
    """

    architecture: str = "temporal_unet"
    weights: str = ""
    widened: bool = False
    encoder: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DataRecipe:
    """Which shots, and how samples are cut from them. Shares are probabilities, 0 to 1.

    licence_classes: shots of other classes in index.csv are never opened.
    validation: files held out; every shot of the same origin is held out with them.
    frames: consecutive frames in a sample, T. crop: height and width in px, a multiple of 32. margin: px along its
    edges that do not count in the loss, because what they need may have moved out of the crop.
    undamaged: share with target = input. double_step: share with every second frame. border: share with a clip's end
    (or cut) inside, its frame repeated. shrunk: share reduced to 0.6-1 of the size. whole: share of the largest square
    that fits, reduced to the crop. tones: share with other gamma,
    contrast, brightness. gray: share of undamaged samples without colour. blurred: share softened after damage.
    compressed: share with JPEG noise on the input. sparks: share with small fast things that must stay.
    dense: share with several times as much damage. alone: share with one kind of damage only. marks: whether samples
    carry where the damage of each kind lies, as their last tensor (T, K, crop, crop). pans: share with a single frame
    that moves as a whole, by whole pixels. zooms: share with one that moves, grows and turns steadily, by fractions of
    pixels.
    uprights: share with posts and fences drawn in, which must stay. edged: share with black along edges, likewise.
    """

    licence_classes: tuple[str, ...] = ("permissive",)
    validation: tuple[str, ...] = ()
    frames: int = 7
    crop: int = 160
    margin: int = 0
    undamaged: float = 0.1
    double_step: float = 0.2
    border: float = 0.15
    shrunk: float = 0.5
    whole: float = 0.0
    tones: float = 0.5
    gray: float = 0.3
    blurred: float = 0.2
    compressed: float = 0.1
    sparks: float = 0.25
    dense: float = 0.3
    alone: float = 0.0
    edged: float = 0.0
    marks: bool = False
    pans: float = 0.3
    zooms: float = 0.0
    uprights: float = 0.0


@dataclass(frozen=True)
class LossRecipe:
    """The weights of the terms that are added up to the loss; 0 leaves a term out.

    log: logarithm of the mean square error of every frame. chroma: the same of U and V alone. l1: mean absolute error.
    charbonnier: the same, rounded off at ``epsilon``. mse: mean square error. temporal: mean absolute change of the
    error from frame to frame. feature: what VGG-16 sees (its own pixel term and its Gram matrices included), for which
    the checkpoint ``vgg16`` must be here: a name of the registry or a path. feature_mse: weight of the square error
    inside that loss. marks: binary cross entropy of where the network says that damage lies, for networks that say so;
    it needs ``marks`` of the data. floors: the mean square error below which little is to be gained (of ``log`` and
    ``chroma``), as pairs of progress (0 to 1) and floor; between them it falls geometrically. High at first, so that
    the network learns to repair what is heavily damaged; low at the end, so that it is careful with what is not.
    """

    log: float = 1.0
    chroma: float = 0.0
    l1: float = 0.0
    charbonnier: float = 0.0
    mse: float = 0.0
    temporal: float = 0.0
    feature: float = 0.0
    marks: float = 0.0
    epsilon: float = 1e-3
    feature_mse: float = 0.0
    vgg16: str = "vgg16"
    floors: tuple[tuple[float, float], ...] = ((0.0, 1e-3), (1.0, 1e-5))

    @property
    def weights(self) -> dict[str, float]:
        """The weights by the names of their keys."""
        return {
            name: getattr(self, name) for name in ("log", "chroma", "l1", "charbonnier", "mse", "temporal", "feature")
        }


@dataclass(frozen=True)
class StageRecipe:
    """A part of a run with a crop and a batch of its own.

    share: of the run's steps; the shares of all stages make 1. crop, batch: as in the sections data and schedule.
    fresh: as in the section schedule; 0 makes all samples new.
    rates: the highest rates of the stage, for one cycle up and down: one for the last layers, of which all before have
    a tenth, or two, for the first and the last layers, with those between spread geometrically. None: as the schedule
    says. rising: share of the stage in which the rate rises. frozen: whether the encoder keeps its kernels.
    """

    share: float
    crop: int
    batch: int
    fresh: int = 0
    rates: tuple[float, ...] = ()
    rising: float = 0.3
    frozen: bool = False


@dataclass(frozen=True)
class ScheduleRecipe:
    """Steps and learning rates: linear warm-up, then a cosine to zero.

    steps: optimiser steps of the whole run. stages: its parts, where crop and batch change. batch: samples per step.
    fresh: how many of them are new, the others are samples of earlier steps. warmup: steps. epoch: steps between two
    measurements on the shots held out.
    optimiser: "orthogonal" (kernels of the body by orthogonal steps, the rest by AdamW) or "adamw" for all.
    kernel_rate, kernel_decay: length of a step and decay of the kernels of the network's body.
    rate, decay: of AdamW, for the rest. clip: largest gradient norm; 0 for none. average: decay of the moving average
    of the weights, which is what ships.
    """

    steps: int = 6000
    stages: tuple[StageRecipe, ...] = ()
    batch: int = 4
    fresh: int = 1
    optimiser: str = "orthogonal"
    kernel_rate: float = 5e-3
    kernel_decay: float = 0.01
    rate: float = 1.5e-3
    warmup: int = 200
    epoch: int = 1000
    decay: float = 1e-4
    clip: float = 0.5
    average: float = 0.999


@dataclass(frozen=True)
class GanRecipe:
    """The adversarial phase that follows the steps of the schedule; none with 0 steps.

    critic_steps: first, of the critic alone, at ``first_rate``. steps: then, of both in turns, at ``critic_rate`` and
    ``rate``. threshold: loss of the critic below which the turn is the network's. content, adversarial: weights of the
    recipe's loss and of the critic's opinion in the network's loss. width: channels of the critic.
    """

    critic_steps: int = 0
    steps: int = 0
    first_rate: float = 1e-3
    critic_rate: float = 5e-4
    rate: float = 1e-4
    threshold: float = 0.65
    content: float = 50.0
    adversarial: float = 1.0
    width: int = 128

    @property
    def all_steps(self) -> int:
        """Steps of both sides."""
        return self.critic_steps + self.steps if self.steps else 0


@dataclass(frozen=True)
class Recipe:
    """A training run. task: a row of `vsrestore.training.tasks.TASKS`. seed: of weights, samples and damage."""

    task: str
    seed: int = 1
    network: NetworkRecipe = field(default_factory=NetworkRecipe)
    data: DataRecipe = field(default_factory=DataRecipe)
    loss: LossRecipe = field(default_factory=LossRecipe)
    schedule: ScheduleRecipe = field(default_factory=ScheduleRecipe)
    gan: GanRecipe = field(default_factory=GanRecipe)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        RecipeError: the file is missing or no TOML, a key is unknown, or a value has the wrong type.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror}); give the path of a recipe (.toml)") from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path}: is not valid TOML: {error}") from error
    recipe: Recipe = _section(Recipe, table, path.name)
    for section, wrong in _contradictions(recipe):
        raise RecipeError(f"{path.name}: {section}: {wrong}")
    return recipe


def _contradictions(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """What is wrong with values of the right type, with the section where."""
    weights = recipe.loss.weights
    if min(weights.values()) < 0 or not any(weights.values()):
        yield "loss", f"the weights {weights} do not fit; none may be negative and one must be above 0"
    if (
        min(recipe.data.frames, recipe.data.crop, recipe.schedule.steps, recipe.schedule.batch, recipe.schedule.epoch)
        < 1
    ):
        yield "data, schedule", "frames, crop, steps, batch and epoch must be at least 1"
    if min(recipe.schedule.kernel_rate, recipe.schedule.rate) <= 0:
        yield "schedule", "rates must be above 0"
    if not 0 <= 2 * recipe.data.margin < recipe.data.crop:
        yield "data", f"margin = {recipe.data.margin} leaves nothing of a crop of {recipe.data.crop} px"
    yield from _wrong_stages(recipe)
    yield from _wrong_duel(recipe)
    if recipe.schedule.optimiser not in OPTIMISERS:
        yield "schedule", f"optimiser = {recipe.schedule.optimiser!r}; known are {', '.join(OPTIMISERS)}"
    if not (1 <= recipe.schedule.fresh <= recipe.schedule.batch or recipe.schedule.stages):
        yield "schedule", f"fresh = {recipe.schedule.fresh} does not fit a batch of {recipe.schedule.batch}"


def _wrong_duel(recipe: Recipe) -> Iterator[tuple[str, str]]:
    gan, stages = recipe.gan, recipe.schedule.stages
    if min(gan.critic_steps, gan.steps, gan.content, gan.adversarial) < 0 or gan.width < 1:
        yield "gan", "steps and weights must not be negative, width must be at least 1"
    edge = (stages[-1].crop if stages else recipe.data.crop) - 2 * recipe.data.margin
    if gan.steps and edge < CRITIC_SEES:
        yield "gan", f"the critic needs {CRITIC_SEES} px; crop and margin leave {edge}"


def _wrong_stages(recipe: Recipe) -> Iterator[tuple[str, str]]:
    stages = recipe.schedule.stages
    if stages and abs(sum(stage.share for stage in stages) - 1) > 1e-3:
        yield "schedule.stages", "the shares must make 1"
    for stage in stages:
        if stage.share <= 0 or stage.batch < 1 or not 0 <= stage.fresh <= stage.batch or not 0 < stage.rising < 1:
            yield (
                "schedule.stages",
                f"{stage} does not fit: share and batch above 0, fresh to batch, rising from 0 to 1",
            )
        if stage.crop <= 2 * recipe.data.margin:
            yield "schedule.stages", f"margin = {recipe.data.margin} leaves nothing of a crop of {stage.crop} px"
        if len(stage.rates) > 2 or (stage.rates and min(stage.rates) <= 0):
            yield "schedule.stages", f"rates = {list(stage.rates)}; one or two numbers above 0 are expected"
        if stage.rates and recipe.schedule.optimiser != "adamw":
            yield "schedule.stages", 'rates need optimiser = "adamw"'


def _section[Section](kind: type[Section], table: dict[str, Any], where: str) -> Section:
    hints = get_type_hints(kind)
    unknown = sorted(set(table) - set(hints))
    if unknown:
        raise RecipeError(f"{where}: unknown key {unknown[0]!r}; known are {', '.join(hints)}")
    for name in (f.name for f in dataclasses.fields(kind) if f.default is f.default_factory):  # type: ignore[arg-type]
        if name not in table:
            raise RecipeError(f"{where}: the key {name!r} is missing")
    return kind(**{name: _value(hints[name], value, f"{where}: {name}") for name, value in table.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return _section(hint, value, where)  # type: ignore[arg-type]
    if hint == tuple[str, ...] and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if hint == tuple[tuple[float, float], ...] and isinstance(value, list):
        return tuple(_pair(item, where) for item in value)
    if hint == tuple[float, ...] and isinstance(value, list):
        return tuple(_value(float, item, where) for item in value)
    if hint == tuple[StageRecipe, ...] and isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return tuple(_section(StageRecipe, item, where) for item in value)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if hint in (int, str, bool) and type(value) is hint:
        return value
    if isinstance(value, dict) and hint == dict[str, Any]:
        return value
    raise RecipeError(f"{where}: {value!r} does not fit; {getattr(hint, '__name__', hint)} is expected")


def _pair(value: Any, where: str) -> tuple[float, float]:
    if isinstance(value, list) and len(value) == 2:
        first, second = (_value(float, item, where) for item in value)
        return first, second
    raise RecipeError(f"{where}: {value!r} does not fit; a pair of numbers is expected")
