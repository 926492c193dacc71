import pytest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The user's weights folder, empty."""
    path = tmp_path / "weights"
    path.mkdir()
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(path))
    return path
