import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import typer
from typer.testing import CliRunner

from vsrestore.cli.extras import EXTRAS, how_to_install
from vsrestore.cli.finetune import finetune
from vsrestore.devices import pick
from vsrestore.training import finetune as learning

ROOT = Path(__file__).parents[2]
app = typer.Typer()
app.command()(finetune)


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("kept", "code", "says"),
    [
        (True, 0, "the new weights did better and are kept in"),
        (False, 1, "the weights it began with did better and are kept, nothing was written"),
    ],
)
def test_it_says_which_weights_are_kept(tmp_path, monkeypatch, kept, code, says):
    """Also where a file of an earlier run lies in the place of the new weights."""
    out = tmp_path / "a.safetensors"
    out.write_bytes(b"earlier")
    after = 30.5 if kept else 29.8
    monkeypatch.setattr(learning, "finetune", lambda *_, **__: learning.Gain(30.0, after, kept))
    done = call(tmp_path / "a.mkv", "--filter", "film", "-o", out, "--overwrite")
    assert done.exit_code == code
    assert says in done.output
    assert ("use them" in done.output) == kept
    assert f"({after - 30:+.2f} dB)" in done.output


@pytest.mark.slow
@pytest.mark.parametrize("command", ["finetune a.mkv --filter film", "train a.toml --clips a --out b"])
@pytest.mark.parametrize("package", [package for package, extra in EXTRAS.items() if extra == "train"])
def test_a_package_of_an_extra_that_is_missing_is_one_line(tmp_path, command, package):
    """After a plain `pip install .` the packages for training are not there."""
    (tmp_path / "a.toml").write_text('task = "film"')
    code = f"import sys; sys.modules[{package!r}] = None; sys.argv = ['vsrestore', *{command.split()}]\n"
    code += "from vsrestore.cli import main; main()"
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    name = command.split()[0]
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"vsrestore {name}: {package} is not installed; "
        "it comes with pip install 'vsrestore[train]', in a checkout '.[train]'"
    ]


def test_the_extras_are_those_of_setup():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    always = settings["options"]["install_requires"]
    for package, extra in EXTRAS.items():
        distribution = {"PIL": "pillow"}.get(package, package)
        assert re.search(rf"^{distribution}\b", settings["options.extras_require"][extra], re.MULTILINE)
        assert not re.search(rf"^{distribution}\b", always, re.MULTILINE)


def test_other_modules_are_no_extras():
    assert how_to_install(ModuleNotFoundError("none", name="vsrestore.none")) is None
    assert how_to_install(ModuleNotFoundError("none")) is None


def test_it_learns_where_filters_run(tmp_path, monkeypatch):
    monkeypatch.setattr(pick, "pick", lambda device: torch.device("meta") if device is None else None)
    machines = []

    def learn(*_, machine, **__):
        machines.append((machine.device.type, machine.precision))
        return learning.Gain(30.0, 31.0, kept=True)

    monkeypatch.setattr(learning, "finetune", learn)
    words = (tmp_path / "a.mkv", "--filter", "film", "-o", tmp_path / "a.safetensors")
    assert call(*words).exit_code == call(*words, "--device", "cpu", "--precision", "bfloat16").exit_code == 0
    assert machines == [("meta", "float32"), ("cpu", "bfloat16")]
