"""What the runtime's tests share."""

from __future__ import annotations

from tests.devices.conftest import two_threads

__all__ = ["two_threads"]
