"""Every fault is on the contact sheets."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from vsrestore.damage import digital, film, tape


@pytest.fixture(scope="module")
def contact_sheet(script):
    script("demo_clip")
    return script("contact_sheet")


@pytest.fixture(scope="module")
def clip(contact_sheet):
    return contact_sheet.source_frames()


@pytest.mark.parametrize(
    ("sheet", "off", "presets"),
    [
        ("damage-film", film.FilmDamage(), film.PRESETS),
        ("damage-tape", tape.TapeDamage(), tape.PRESETS),
        ("damage-digital", digital.DigitalDamage(), digital.PRESETS),
    ],
)
def test_every_fault_and_every_preset_has_a_cell(contact_sheet, sheet, off, presets):
    shown = [cell.params for cell in contact_sheet.SHEETS[sheet].values()]
    assert off in shown
    assert all(preset in shown for preset in presets.values())
    alone = [params for params in shown if params not in presets.values()]
    for part in fields(off):
        values = [getattr(params, part.name) for params in alone]
        assert any(value != getattr(off, part.name) for value in values), part.name
        assert is_dataclass(values[0]) or part.name in ("softness", "tone")


@pytest.mark.parametrize("name", ["splice", "3:2 pull-down", "frames shown twice, black", "dirt and specks"])
def test_a_cell_shows_its_fault(contact_sheet, clip, name):
    cells = {label: cell for sheet in contact_sheet.SHEETS.values() for label, cell in sheet.items()}
    picture = np.asarray(contact_sheet.picture(cells[name], clip))
    assert picture.shape == (contact_sheet.CELL_HEIGHT, contact_sheet.CELL_WIDTH, 3)
    assert not np.array_equal(picture, np.asarray(contact_sheet.picture(cells["no fault"], clip)))


def test_a_sheet_has_a_place_for_every_cell(contact_sheet, clip):
    cells = dict(list(contact_sheet.FILM.items())[:5])
    drawn = contact_sheet.sheet(cells, clip)
    across, down = contact_sheet.CELL_WIDTH + contact_sheet.MARGIN, contact_sheet.CELL_HEIGHT + contact_sheet.LABEL
    assert drawn.width >= 4 * across
    assert 2 * down < drawn.height < 3 * down
