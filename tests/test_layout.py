"""The order of the house: who may import whom, what importing costs, what lies where."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "vsrestore"

# What each room may import of the others; its own files are always open to it.
MAY_IMPORT = {
    "video": set(),
    "onnx_models": set(),
    "networks": set(),
    "damage": set(),
    "checkpoints": {"networks"},
    "devices": {"video", "networks"},
    "runtime": {"devices", "video", "networks"},
    "filters": {"runtime", "devices", "onnx_models", "video", "networks", "checkpoints", "damage"},
    "pipeline": {"video", "filters", "checkpoints"},
    "recipes": {"checkpoints", "pipeline"},
    "training": {"networks", "damage", "checkpoints", "devices", "comparison"},
    "comparison": {"video", "networks", "pipeline"},
    "cli": {
        *("filters", "video", "networks", "checkpoints", "pipeline", "recipes", "training", "damage"),
        "comparison",
    },
}
# Files beside the rooms that open one; the others are open to every room, and so import none.
DOORS = {"__init__.py": {"filters"}, "__main__.py": {"cli"}}
# What a room must never import, not even inside a function.
NEVER = {
    "networks": {"vapoursynth", "vsutil", "onnxruntime"},
    "damage": {"vapoursynth", "vsutil", "torch"},
    "video": {"torch", "torchvision", "onnxruntime"},
    "training": {"vapoursynth"},
}
# Where the name of a module is not that of the package which brings it.
DISTRIBUTIONS = {"PIL": "pillow", "imageio_ffmpeg": "imageio-ffmpeg", "skimage": "scikit-image", "yt_dlp": "yt-dlp"}
DISTRIBUTIONS |= {"open_clip": "open-clip-torch"}
# What only training needs, or only one file, is no requirement of the package, but an extra.
EXTRA_OF_ROOM = {"training": "train"}
EXTRA_OF_FILE = {"networks/clip_scores.py": "clip", "comparison/perceptual.py": "lpips"}
DASK = ("admission", "connect", "crew", "on_worker", "render", "turns")
EXTRA_OF_FILE |= {f"pipeline/cluster/{name}.py": "cluster" for name in DASK}
# What stands in one place, as a pattern in the code, and the files that may hold it.
IN_ONE_PLACE = {
    "the formula of PSNR": (r"10(\.0)? ?\*(?!\*).*log10", {"vsrestore/comparison/measures.py"}),
    "where ffmpeg is": (r"get_ffmpeg_exe|which\(.ffmpeg", {"vsrestore/ffmpeg.py"}),
    "how videos are opened": (r"\bav\.open\((?!.*\"w\")", {"vsrestore/ffmpeg.py"}),
    "where the cache is": (r"environ.*(XDG_CACHE_HOME|LOCALAPPDATA)", {"vsrestore/cache_folder.py"}),
}
SLOW_LIBRARIES = {"torch", "torchvision", "onnxruntime", "spandrel"}
# Rooms whose import must stay cheap, because a script, an editor or the command imports them.
QUICK_ROOMS = ("filters", "video", "pipeline", "comparison", "cli")
TOP_LEVEL = {
    *(".ci", ".gitignore", "LICENSE", "README.md", "docs", "pyproject.toml", "scripts", "setup.cfg", "tests"),
    *("vsrestore", "weights"),
}


def rooms() -> list[Path]:
    return sorted(path for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__")


def modules_of(tree: ast.AST, package: str) -> Iterator[str]:
    """Every module that the code names in an import statement; relative ones are resolved against `package`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield module
            if module == "vsrestore":
                yield from (f"vsrestore.{alias.name}" for alias in node.names)


def imports(file: Path) -> set[str]:
    package = ".".join(file.relative_to(ROOT).parent.parts)
    return set(modules_of(ast.parse(file.read_text()), package))


@pytest.mark.parametrize("room", rooms(), ids=lambda room: room.name)
def test_imports_run_one_way(room: Path) -> None:
    allowed = MAY_IMPORT[room.name] | {room.name}
    for file in room.rglob("*.py"):
        named = {name.split(".")[1] for name in imports(file) if name.startswith("vsrestore.")}
        wrong = {name for name in named if (PACKAGE / name).is_dir()} - allowed
        assert not wrong, f"{file.relative_to(ROOT)} imports {wrong}"


def test_files_beside_the_rooms_import_none_of_them() -> None:
    for file in PACKAGE.glob("*.py"):
        named = {name.split(".")[1] for name in imports(file) if name.startswith("vsrestore.")}
        wrong = {name for name in named if (PACKAGE / name).is_dir()} - DOORS.get(file.name, set())
        assert not wrong, f"{file.relative_to(ROOT)} imports {wrong}"


@pytest.mark.parametrize("fact", IN_ONE_PLACE)
def test_a_fact_stands_in_one_place(fact: str) -> None:
    pattern, places = IN_ONE_PLACE[fact]
    files = [*PACKAGE.rglob("*.py"), *(ROOT / "scripts").rglob("*.py")]
    holding = {file.relative_to(ROOT).as_posix() for file in files if re.search(pattern, file.read_text())}
    assert holding == places


def test_all_errors_have_one_base() -> None:
    trees = {file: ast.parse(file.read_text()) for file in PACKAGE.rglob("*.py")}
    bases = {
        node.name: [base.id for base in node.bases if isinstance(base, ast.Name)]
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error") and not node.name.startswith("_")
    }
    assert bases.pop("VsrestoreError") == ["Exception"]
    assert len(bases) >= 10
    assert {name for name, given in bases.items() if given[0] != "VsrestoreError"} == set()


def test_the_picture_of_the_architecture_is_true() -> None:
    """Its arrows are the imports that are allowed, and all of those that there are."""
    text = (ROOT / "docs/architecture.md").read_text()
    drawn = set(re.findall(r"^    (\w+) --> (\w+)$", text, flags=re.MULTILINE))
    assert drawn == {(room, other) for room, others in MAY_IMPORT.items() for other in others}


def test_the_architecture_uses_the_words_of_the_code() -> None:
    """Files and names that it mentions exist."""
    text = re.sub(r"```.*?```", "", (ROOT / "docs/architecture.md").read_text(), flags=re.DOTALL)
    for name in re.findall(r"`([\w/]+\.(?:py|toml)|[\w/]+/)`", text):
        assert any((base / name).exists() for base in (ROOT, PACKAGE)), name
    code = "\n".join(file.read_text() for file in PACKAGE.rglob("*.py"))
    for name in re.findall(r"`([A-Z]\w+)`", text):
        assert re.search(rf"\b{name}\b", code), name


@pytest.mark.parametrize("room", NEVER)
def test_a_room_keeps_its_libraries(room: str) -> None:
    for file in (PACKAGE / room).rglob("*.py"):
        wrong = {name for name in imports(file) for never in NEVER[room] if f"{name}.".startswith(f"{never}.")}
        assert not wrong, f"{file.relative_to(ROOT)} imports {wrong}"


def test_only_the_command_prints() -> None:
    for file in PACKAGE.rglob("*.py"):
        if "cli" in file.relative_to(PACKAGE).parts:
            continue
        calls = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))
        prints = [node.lineno for node in calls if isinstance(node.func, ast.Name) and node.func.id == "print"]
        assert not prints, f"{file.relative_to(ROOT)} prints in lines {prints}"


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from def to the end, without the docstring."""
    end = function.end_lineno or function.lineno
    first = function.body[0]
    described = ast.get_docstring(function) is not None
    return end - function.lineno + 1 - ((first.end_lineno or 0) - first.lineno + 1 if described else 0)


def test_functions_are_small() -> None:
    """Nine of ten under 30 lines, none over 60."""
    trees = {file: ast.parse(file.read_text()) for file in PACKAGE.rglob("*.py")}
    lengths = {
        f"{file.relative_to(ROOT)}:{node.name}": lines_of(node)
        for file, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not [name for name, length in lengths.items() if length > 60]
    assert sum(length < 30 for length in lengths.values()) >= 0.9 * len(lengths)


def quick_modules() -> list[str]:
    files = [PACKAGE / "__init__.py", *(file for room in QUICK_ROOMS for file in (PACKAGE / room).rglob("*.py"))]
    return sorted(".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files)


def test_importing_loads_no_network_library() -> None:
    """One fresh interpreter imports every quick module; none may bring in torch or onnxruntime."""
    code = "import importlib, sys\nfor name in sys.argv[2:]:\n    importlib.import_module(name)\n"
    code += "print(*sorted(set(sys.argv[1].split(',')) & set(sys.modules)))"
    command = [sys.executable, "-c", code, ",".join(sorted(SLOW_LIBRARIES)), *quick_modules()]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_importing_vsrestore_takes_milliseconds() -> None:
    """CPU time, best of three: other programs on the machine must not decide."""
    code = "import time; start = time.process_time(); import vsrestore; print(time.process_time() - start)"
    runs = [subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True) for _ in range(3)]
    assert min(float(run.stdout) for run in runs) < 0.5


def test_neither_the_first_frame_nor_a_network_to_compare_with_loads_a_compiler() -> None:
    """PyTorch's takes longer to import than all else together, and comes with the least that is asked of it."""
    code = (
        "import sys, vapoursynth as vs, vsrestore\nclip = vs.core.std.BlankClip(format=vs.RGBS, width=64, height=48)\n"
    )
    code += "for name in ('film', 'tape', 'upscale'):\n    getattr(vsrestore, name)(clip, device='cpu').get_frame(0)\n"
    code += "from vsrestore.networks import ARCHITECTURES, _build\nfrom vsrestore.networks.without_memory import *\n"
    code += "with WithoutMemory():\n    for name in ARCHITECTURES:\n"
    code += "        name.startswith('diffusion') or _build(name, {})\n"  # whose libraries load it in any case
    code += "print(*sorted({'torch._dynamo', 'sympy'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_setup_names_every_package() -> None:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    named = set(settings["options"]["packages"].split())
    folders = {file.parent for file in PACKAGE.rglob("*.py")}
    assert named == {".".join(folder.relative_to(ROOT).parts) for folder in folders} | {"vsrestore.weights"}


def required(lines: str) -> set[str]:
    """The names in a list of requirements."""
    return {re.split(r"[^\w.-]", line, maxsplit=1)[0].lower() for line in lines.split("\n") if line}


def test_every_library_is_a_requirement() -> None:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    always = required(settings["options"]["install_requires"])
    for file in PACKAGE.rglob("*.py"):
        inside = file.relative_to(PACKAGE)
        extra = EXTRA_OF_FILE.get(inside.as_posix()) or EXTRA_OF_ROOM.get(inside.parts[0])
        known = always | required(settings["options.extras_require"][extra] if extra else "")
        names = {name.split(".")[0] for name in imports(file)} - set(sys.stdlib_module_names) - {"vsrestore"}
        missing = {DISTRIBUTIONS.get(name, name) for name in names} - known
        assert not missing, f"{file.relative_to(ROOT)} needs {missing}"


def test_top_level_holds_nothing_else() -> None:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    assert {line.split("/")[0] for line in listing.stdout.splitlines()} <= TOP_LEVEL
