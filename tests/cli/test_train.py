import typer
from typer.testing import CliRunner

from vsrestore.cli.train import train

app = typer.Typer()
app.command()(train)


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_missing_recipe_is_one_line_and_code_2(tmp_path):
    done = call(tmp_path / "none.toml", "--clips", tmp_path, "--out", tmp_path / "run")
    assert done.exit_code == 2
    assert done.stderr.startswith("vsrestore train: ")
    assert "cannot be read" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_folder_with_a_run_is_not_written_to(tmp_path):
    (tmp_path / "state.pt").write_bytes(b"")
    done = call(tmp_path / "none.toml", "--clips", tmp_path, "--out", tmp_path)
    assert done.exit_code == 2
    assert "--resume" in done.stderr


def test_there_must_be_something_to_resume(tmp_path):
    done = call(tmp_path / "none.toml", "--clips", tmp_path, "--out", tmp_path, "--resume")
    assert done.exit_code == 2
    assert "no run to take up" in done.stderr
