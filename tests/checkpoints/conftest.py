import pytest


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The user's weights folder, empty; no test ever sees the real one."""
    path = tmp_path / "weights"
    path.mkdir()
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(path))
    return path
