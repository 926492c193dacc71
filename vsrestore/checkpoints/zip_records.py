"""The records of a PyTorch zip file: each as it was written, and as long as the tensors that lie in it.

PyTorch itself checks neither where a file is mapped into memory: a changed byte would change the picture without a
word, and a record cut short would bring bytes of its neighbours.
"""

from __future__ import annotations

import io
import pickle
import zipfile
import zlib
from collections import OrderedDict
from pathlib import Path
from typing import Any

from vsrestore.checkpoints.errors import CheckpointError

BLOCK = 1 << 20  # bytes read at a time
# Bytes per element of what PyTorch calls the kinds of its storages; that of bytes alone counts bytes.
ELEMENT_SIZES = {
    "ComplexDoubleStorage": 16,
    **dict.fromkeys(("DoubleStorage", "LongStorage", "ComplexFloatStorage"), 8),
    **dict.fromkeys(("FloatStorage", "IntStorage", "QInt32Storage"), 4),
    **dict.fromkeys(("HalfStorage", "BFloat16Storage", "ShortStorage"), 2),
    **dict.fromkeys(
        ("CharStorage", "ByteStorage", "BoolStorage", "QInt8Storage", "QUInt8Storage", "UntypedStorage"), 1
    ),
}


def check_sums(path: Path) -> None:
    """Read every record of a zip file and compare it with its checksum (CRC-32).

    Raises:
        CheckpointError: a record is cut off or was changed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                with archive.open(entry) as record:
                    while record.read(BLOCK):
                        pass
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged ({error}); download it again") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}") from error


def check_sizes(path: Path) -> None:
    """Compare the length of every record with that of the storage that the pickle says lies in it.

    Raises:
        CheckpointError: a record is missing, longer or shorter.
    """
    with zipfile.ZipFile(path) as archive:
        lengths = {entry.filename: entry.file_size for entry in archive.infolist()}
        name = next(name for name in lengths if name.endswith("data.pkl"))
        storages = _storages(archive.read(name))
    folder = name.removesuffix("data.pkl")
    for key, size in storages.items():
        record = f"{folder}data/{key}"
        if record not in lengths:
            raise CheckpointError(f"{path} is damaged: its record {record} is missing; download it again")
        if lengths[record] != size:
            raise CheckpointError(
                f"{path} is damaged: its record {record} has {lengths[record]:,} bytes instead of {size:,}; "
                "download it again"
            )


def _storages(pickled: bytes) -> dict[str, int]:
    """Return the bytes of every storage that a pickle names, by the name of its record; nothing of it is run."""
    unpickler = _Unpickler(io.BytesIO(pickled))
    unpickler.load()
    return unpickler.storages


class _Blank:
    """Stands for any object and function: takes everything, keeps nothing."""

    size = 0

    def __new__(cls, *_arguments: object, **_named: object) -> _Blank:
        return super().__new__(cls)

    def __setstate__(self, _state: object) -> None:
        return

    def __setitem__(self, _key: object, _value: object) -> None:
        return

    def append(self, _value: object) -> None:
        return

    def extend(self, _values: object) -> None:
        return


class _Unpickler(pickle._Unpickler):
    """Builds nothing but plain containers, and notes the storages.

    The unpickler in Python, since that in C makes a table as long as a number in the file says.
    """

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.storages: dict[str, int] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        return type(name, (_Blank,), {"size": ELEMENT_SIZES.get(name, 0)})

    def persistent_load(self, pid: Any) -> _Blank:
        """Note a storage: ("storage", its kind, the name of its record, where it lay, how many elements)."""
        kind, key, count = pid[1], str(pid[2]), int(pid[4])
        if kind.size:
            self.storages[key] = count * kind.size
        return _Blank()
