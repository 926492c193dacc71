"""What the package shows: its filters, and nothing of how it looks them up."""

from __future__ import annotations

import inspect
import pydoc

import pytest

import vsrestore
from vsrestore.filters.table import FILTERS


def test_only_what_is_public_is_shown():
    assert dir(vsrestore) == sorted(["FILTERS", "__version__", *FILTERS])
    assert set(vsrestore.__all__) == {"FILTERS", *FILTERS}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_is_the_function_of_its_module(name):
    function = getattr(vsrestore, name)
    assert inspect.isfunction(function)
    assert (function.__module__, function.__name__) == (FILTERS[name], name)


@pytest.mark.parametrize("name", FILTERS)
def test_annotations_are_shown_as_what_they_name(name):
    signature = inspect.signature(getattr(vsrestore, name))
    written = [each.annotation for each in signature.parameters.values()] + [signature.return_annotation]
    assert inspect.Signature.empty not in written
    assert not [annotation for annotation in written if isinstance(annotation, str)]


def test_help_quotes_no_annotation():
    text = pydoc.plain(pydoc.render_doc(vsrestore.film))
    assert "(clip: vapoursynth.VideoNode, *, grain: float = 1.0, " in text
    assert "precision: Optional[Literal['float32', 'float16', 'bfloat16']] = None" in text


def test_another_name_is_no_attribute():
    with pytest.raises(AttributeError, match="module 'vsrestore' has no attribute 'flim'"):
        _ = vsrestore.flim
