"""The ways in which networks are compared: they must be what they are called, and give the same pictures."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

SMALL_EDVR = {"channels": 8, "front_blocks": 1, "back_blocks": 1}
SMALL_BASICVSRPP = {"channels": 16, "blocks": 1}


@pytest.fixture
def edvr_case(part):
    return part("edvr").Case(SMALL_EDVR, 0.9, 16, 16, 2, 1.0)


@pytest.fixture
def calls(monkeypatch):
    """Names of the deformable convolutions that ran, in order."""
    from vsrestore.networks.layers import deform_conv

    called: list[str] = []
    for name in ("torchvision_deform_conv", "gather_deform_conv"):
        run = getattr(deform_conv, name)
        monkeypatch.setattr(deform_conv, name, lambda *a, run=run, name=name: called.append(name) or run(*a))
    return called


def test_all_ways_of_edvr_give_the_same_picture(part, edvr_case):
    with torch.inference_mode():
        pictures = [way() for way in part("edvr").ways(edvr_case).values()]
    assert len(pictures) == 5
    assert pictures[0].shape == (1, 2, 3, 64, 64)
    for picture in pictures[1:]:
        assert part("ways").largest_difference(picture, pictures[0]) < 1e-5


@pytest.mark.parametrize("settings", [SMALL_BASICVSRPP, {**SMALL_BASICVSRPP, "same_size": True}])
def test_all_ways_of_basicvsrpp_give_the_same_picture(part, monkeypatch, settings):
    benchmark = part("basicvsrpp")
    monkeypatch.setattr(benchmark, "FRAMES", 3)
    with torch.inference_mode():
        *exact, half = [way() for way in benchmark.ways(benchmark.Case(settings, 0.85, 32, 32)).values()]
    for picture in exact[1:]:
        assert part("ways").largest_difference(picture, exact[0]) < 1e-5
    assert 0 < part("ways").largest_difference(half, exact[0]) < 0.1


def small_video_cases(video):
    """The cases of the benchmark with networks of a few channels."""
    seeded, noise = video.seeded, video.moving_noise
    windows = [noise(6, 64, 64), video.windows(2, 5)]
    builds = {
        "RVRT denoise": (lambda: video.RVRT(channels=24, same_size=True, denoises=True), [noise(4, 132, 132)], 2),
        "PSRT x4": (lambda: video.PSRT(channels=8, groups=2, layers=2, heads=2, hidden=12), [noise(6, 35, 42)], 3),
        "MMP-RNN": (lambda: video.MMPRNN(8, 2, 1, attention=True), [noise(6, 20, 36)], 2),
        "TAPE": (
            lambda: video.TapeReference(width=16, depths=(2, 2, 2, 2)),
            [*windows, torch.tensor([[0, 1, 2, 3, 5]] * 2)],
            2,
        ),
        "RAFT": (lambda: video.RAFT(iterations=2), [noise(2, 128, 128)], 2),
        "ProPainter": (
            lambda: video.propainter.Windows(seeded(video.ProPainter(), 0.9), [range(2), range(1, 3)], range(3, 4)),
            video.holed(noise(4, 64, 72)),
            4,
        ),
        "analog Swin-UNet": (lambda: video.AnalogSwinUNet(16, (1, 2, 1, 1), (1, 2, 2)), windows, 2),
        "AdaCoF's samples": (video.Sampling, video.samples(32, 48, 9), 1),
        "SF-AdaCoF": (lambda: video.AdaCoF(width=8, kernel=3), video.pair(64, 64), 1),
        "RIFE": (lambda: video.RIFE((8, 8, 8, 8), 4, 2), video.pair(64, 64), 1),
        "TCVC": (lambda: video.tcvc_network(8, 24, 32, 16), [noise(3, 64, 64), noise(1, 64, 64)[0]], 3),
    }
    assert list(builds) == list(video.CASES)
    filled = ("ProPainter", "TCVC")
    return {
        name: video.CASES[name]._replace(
            build=build if name in filled else lambda build=build: seeded(build(), 0.7),
            inputs=inputs,
            given=given,
            keep=range(1, 3) if name == "RVRT denoise" else video.CASES[name].keep,
        )
        for name, (build, inputs, given) in builds.items()
    }


def test_all_ways_of_video_networks_give_the_same_picture(part):
    video = part("video")
    for name, case in small_video_cases(video).items():
        with torch.inference_mode():
            pictures = {way: run() for way, run in video.ways(case).items()}
        half, (published, *exact) = pictures.pop(video.BFLOAT16, None), pictures.values()
        assert (published.shape[1] if published.ndim > 4 else len(published)) == case.given
        most = case.bounds[video.FLOAT32].difference / 10
        for picture in exact:
            assert part("ways").largest_difference(picture, published) < most, name
        if half is not None:
            rounded = part("ways").largest_difference(half, published)
            assert rounded < 0.1, name
            assert rounded > 0 or not list(case.build().parameters()), name


def test_video_networks_have_a_bound_in_each_precision(part):
    video = part("video")
    cases = {"MMP-RNN": small_video_cases(video)["MMP-RNN"]}
    (report,) = video.run(1, lambda run: run() or 1.0, cases)
    assert [row[1] for row in report.rows] == [video.PUBLISHED, video.FLOAT32, video.BFLOAT16]
    assert [requirement.least for requirement in report.requirements] == [1.3, None, 2.0]
    assert report.settings["sizes"] == {"MMP-RNN": "6 frames of 36x20"}


def test_published_ways_use_torchvision_and_ours_does_not(part, edvr_case, calls):
    with torch.inference_mode():
        for name, way in part("edvr").ways(edvr_case).items():
            calls.clear()
            way()
            published = name in (part("edvr").PUBLISHED, "+ channels last")
            assert set(calls) == {"torchvision_deform_conv" if published else "gather_deform_conv"}, name


def test_edvr_computes_features_once_only_where_it_says_so(part, edvr_case, monkeypatch):
    from vsrestore.networks.edvr import EDVR

    frames: list[int] = []
    pyramid = EDVR._pyramid
    monkeypatch.setattr(EDVR, "_pyramid", lambda network, x: frames.append(len(x)) or pyramid(network, x))
    found = {}
    with torch.inference_mode():
        for name, way in part("edvr").ways(edvr_case).items():
            frames.clear()
            way()
            found[name] = sum(frames)
    assert list(found.values()) == [10, 10, 10, 6, 6]


def test_what_is_taken_back_is_only_so_for_a_while(part):
    from vsrestore.networks import basicvsrpp
    from vsrestore.networks.edvr import PCDAlign
    from vsrestore.networks.layers import deform_conv
    from vsrestore.networks.spynet import SPyNet

    published = part("published")

    def found():
        return (
            PCDAlign.forward,
            deform_conv.gather_deform_conv,
            SPyNet.between_neighbours,
            basicvsrpp.channels_last,
        )

    before = found()
    with (
        published.torchvision_sampling(),
        published.contiguous_layout(),
        published.whole_offset_convolutions(),
        published.one_flow_at_a_time(),
    ):
        assert all(now is not then for now, then in zip(found(), before, strict=True))
    assert found() == before


def test_comparison_tells_each_step_and_what_it_misses(part):
    seconds = iter([4.0, 2.0, 1.0] * 2)
    picture = torch.ones(1, 1, 3, 4, 4)
    ways = {"published": lambda: picture, "faster": lambda: picture, "ours": lambda: picture * 1.1}
    bounds = {"ours": part("ways").Bound(5.0), "faster": part("ways").Bound(2.0, difference=None)}
    compared = part("ways").compare("net", ways, 2, bounds, 1, lambda run: (run(), next(seconds))[1])
    assert compared.rows == [
        ("net", "published", 2.0, 1.0, 1.0, "0.0e+00"),
        ("net", "faster", 1.0, 2.0, 2.0, "0.0e+00"),
        ("net", "ours", 0.5, 2.0, 4.0, "1.0e-01"),
    ]
    assert [requirement.met for requirement in compared.requirements] == [True, False, False]


def test_seeded_networks_are_the_same_every_time_and_do_something(part):
    edvr, published = part("edvr"), part("published")
    one, other = (published.seeded(edvr.EDVR(**SMALL_EDVR), 0.9).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)
    frames = published.moving_noise(5, 16, 16)
    assert frames.shape == (1, 5, 3, 16, 16)
    assert 0 <= frames.min() < frames.max() <= 1


def test_memory_by_chunk_runs_in_processes_of_its_own(part, monkeypatch):
    benchmark = part("chunk_memory")
    asked = []
    monkeypatch.setattr(benchmark, "figures_of", lambda *arguments: asked.append(arguments) or [float(arguments[-1])])
    (report,) = benchmark.run(1, clips=(4, 8), chunks=(2, 16))
    assert [row[:2] for row in report.rows] == [(4, 8), (8, 8), (6, 2), (48, 16)]
    assert [row[2] for row in report.rows] == [8.0, 8.0, 2.0, 16.0]
    assert report.requirements[0].met
    assert {arguments[0] for arguments in asked} == {"chunk_memory"}


def test_the_time_in_a_network_is_that_of_its_calls_alone(part):
    benchmark = part("video_filters")
    network, other = torch.nn.Identity(), torch.nn.ReLU()
    with benchmark.time_in(torch.nn.Identity) as seconds:
        for called in (network, other, network):
            called(torch.ones(1))
    network(torch.ones(1))
    assert len(seconds) == 2
    assert all(second > 0 for second in seconds)


def test_video_filters_are_run_in_processes_of_their_own(part, monkeypatch):
    benchmark = part("video_filters")
    asked = []

    def figures_of(module, name, checkpoint, frames, width):
        assert checkpoint.stat().st_size
        asked.append((module, name, checkpoint.stem, frames, width))
        return [0.97, 100.0 + frames]

    monkeypatch.setattr(benchmark, "figures_of", figures_of)
    case = benchmark.CASES["rvrt"]
    monkeypatch.setitem(benchmark.CASES, "rvrt", case._replace(published=case.small))
    (report,) = benchmark.run(["rvrt"], clips=(10, 20))
    runs = [("small", 10), ("small", 20), ("published", benchmark.FRAMES)]
    assert asked == [("video_filters", "rvrt", *run, benchmark.WIDTH) for run in runs]
    assert report.rows == [("rvrt", 0.97, 110.0, 120.0, 120 / 110)]
    assert [requirement.met for requirement in report.requirements] == [True, False]


def test_a_small_network_runs_as_each_video_filter(part, tmp_path):
    import vapoursynth as vs

    benchmark = part("video_filters")
    clip = vs.core.std.BlankClip(format=vs.RGBS, width=64, height=48, length=30)
    for name, case in benchmark.CASES.items():
        path = benchmark.write_checkpoint(tmp_path / f"{name}.pth", case.network(**case.small))
        assert case.filtered(clip, path).num_frames == 30 * (2 if name in ("adacof", "rife") else 1)


def test_the_checkpoint_of_the_memory_benchmark_is_one(part, tmp_path):
    import vapoursynth as vs

    import vsrestore

    path = part("chunk_memory").write_checkpoint(tmp_path / "seeded.safetensors")
    clip = vs.core.std.BlankClip(format=vs.RGBS, width=64, height=64, length=2)
    assert vsrestore.basicvsrpp(clip, path, scene_changes=False).width == 64


def test_a_tile_costs_as_often_as_it_fits(part, monkeypatch):
    benchmark = part("tiles")
    monkeypatch.setattr(benchmark, "figures_of", lambda *arguments: [4.0, 1024.0])
    (report,) = benchmark.run(tiles=(512, benchmark.WHOLE), chunk=2)
    rows = {(row[0], row[1]): row for row in report.rows}
    # 1088 rows and 1920 columns in strides of 448: 3 by 5 tiles; two frames took 4 seconds.
    assert rows["EDVR L deblur", "512"][2:4] == (15, 30.0)
    assert rows["EDVR L deblur", "whole"][2:4] == (1, 2.0)
    assert rows["EDVR L deblur", "512"][-1] == pytest.approx(1 + (2 + 4) * 3 * 1088 * 1920 * 4 / 2**30)
    assert all(requirement.met for requirement in report.requirements)


def test_a_tile_is_restored_for_the_wanted_frames(part):
    benchmark, published = part("tiles"), part("published")
    case = benchmark.CASES["EDVR L deblur"]
    frames = published.moving_noise(6, 32, 32)
    networks = (
        benchmark.EDVR(**SMALL_EDVR, predeblur=True, hr_in=True),
        benchmark.BasicVSRpp(**SMALL_BASICVSRPP, same_size=True),
    )
    for network in networks:
        with torch.inference_mode():
            restored = benchmark.restored(published.seeded(network, 0.5), frames, case)
        assert restored.shape == (1, 2, 3, 32, 32)


def test_filters_are_timed_here_and_in_another_checkout(part, monkeypatch):
    against = part("against")
    started: list[tuple] = []

    class Rival:
        def __init__(self, *arguments, environment):
            started.append(arguments)
            self.seconds = {"/here": 2.2, "/there": 2.0}[environment["PYTHONPATH"]]

        def __call__(self):
            return self.seconds

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(against, "Rival", Rival)
    monkeypatch.setattr(against, "environment_of", lambda checkout: {"PYTHONPATH": str(checkout)})
    monkeypatch.setattr(against, "PACKAGE_PARENT", "/here")
    (report,) = against.run("/there", ["film"], 2)
    assert [row[:2] for row in report.rows] == [("film", "float32"), ("film", "bfloat16")]
    assert [row[-1] for row in report.rows] == [pytest.approx(1.1)] * 2
    assert [requirement.most for requirement in report.requirements] == [1.1, 1.03]
    assert not report.requirements[1].met
    assert [arguments[:3] for arguments in started[:2]] == [("filter_speed", "film", "float32")] * 2


def test_a_checkout_tells_the_environment_of_its_own_programs(part, monkeypatch):
    from vsrestore.pipeline import programs

    against = part("against")
    monkeypatch.setenv("MALLOC_ARENA_MAX", "7")  # that this process was started with
    environment = against.environment_of(programs.PACKAGE_PARENT)
    assert environment["PYTHONPATH"].split(":")[0] == str(programs.PACKAGE_PARENT)
    assert str(against.SCRIPTS) in environment["PYTHONPATH"].split(":")
    assert environment.get("MALLOC_ARENA_MAX") == programs.allocator().get("MALLOC_ARENA_MAX", "7")


@pytest.mark.parametrize("name", ["basicvsrpp", "edvr", "esrgan", "style"])
def test_filters_take_the_seeded_checkpoints(part, tmp_path, name):
    import vapoursynth as vs

    part("against").write_checkpoint(name, tmp_path)
    case = part("filter_speed").CASES[name]
    clip = vs.core.std.BlankClip(format=vs.YUV420P8, width=case.width, height=case.height, length=2)
    clip = clip.std.SetFrameProps(_Matrix=6)
    assert case.filtered(clip, tmp_path / f"{name}.pth", device="cpu", precision="float32").num_frames == 2


def test_a_process_starts_over_only_where_a_variable_is_missing(part, monkeypatch):
    process = part("process")
    started: list[dict] = []
    monkeypatch.setattr(process.os, "execve", lambda _program, _arguments, environment: started.append(environment))
    monkeypatch.setenv("SET_BY_THE_USER", "1")
    process.restart_with({"SET_BY_THE_USER": "2"})
    assert not started
    process.restart_with({"SET_BY_THE_USER": "2", "SET_BY_NOBODY": "3"})
    assert (started[0]["SET_BY_THE_USER"], started[0]["SET_BY_NOBODY"]) == ("1", "3")


def test_a_process_tells_its_memory(part):
    process = part("process")
    assert 10 < process.resident_now() <= process.resident_peak() + 1


def test_the_peer_is_left_out_in_words_where_it_cannot_run(part, monkeypatch):
    peer = part("basicvsrpp_peer")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (report,) = peer.run(1)
    assert [row[2] for row in report.rows] == ["not run: no GPU"] * 2
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(peer, "find_spec", lambda name: None)
    (report,) = peer.run(1)
    assert [row[2] for row in report.rows] == ["not run: vsbasicvsrpp is not installed"] * 2


def test_the_peer_is_asked_in_order_and_judged_by_the_float32_picture(part):
    peer = part("basicvsrpp_peer")
    asked: list[int] = []

    def note(n, f):
        asked.append(n)
        return f

    def theirs(clip):
        farther = clip.std.Expr("x 0.1 +")
        return farther.std.ModifyFrame(clips=farther, selector=note)

    filters = peer.Filters(ours=lambda clip: clip.std.Expr("x 0.01 +"), exact=lambda clip: clip, peer=theirs)
    rows, requirements = peer.compare(filters, (64, 48), 3, 1)
    assert [row[:2] for row in rows] == [("vsrestore", "64x48"), ("vsbasicvsrpp", "64x48")]
    assert [row[3] for row in rows] == [pytest.approx(40, abs=0.5), pytest.approx(20, abs=0.5)]
    assert asked[:6] == list(range(6))
    assert requirements[1].met


def test_weights_for_the_peer_are_ours_under_published_names(part, tmp_path):
    from vsrestore import networks

    peer = part("basicvsrpp_peer")
    peer.write_weights(tmp_path)
    saved = torch.load(tmp_path / peer.MODEL_FILE, weights_only=True)
    flow = torch.load(tmp_path / peer.FLOW_FILE, weights_only=True)
    assert networks.recognise({name: tuple(value.shape) for name, value in saved["state_dict"].items()}) == (
        "basicvsrpp",
        {"channels": 64, "blocks": 7, "same_size": False, "groups": 16},
    )
    assert len(flow) == 60
    for name, value in flow.items():
        assert torch.equal(value, saved["state_dict"][f"generator.spynet.{name}"])


def test_colour_filters_are_timed_beside_their_networks(part, monkeypatch):
    import vsrestore
    from vsrestore.networks.ddcolor import DDColor

    benchmark = part("colour")
    sizes = {"features": (64, 64, 32), "hidden": 32, "queries": 10, "layers": 3, "feedforward": 64}
    tiny = benchmark.Case(
        lambda clip, *a, **k: vsrestore.ddcolor(clip, *a, render_size=64, **k),
        lambda: DDColor((1, 1, 1, 1), (16, 24, 32, 48), **sizes),
        64,
    )
    monkeypatch.setattr(benchmark, "CASES", {"tiny": tiny})
    (report,) = benchmark.run(frames=2, repeats=1, names=("tiny",))
    ((name, *figures),) = report.rows
    assert name == "tiny"
    assert all(figure > 0 for figure in figures)
    assert len(report.requirements) == 2


@pytest.mark.parametrize(("limit", "met"), [(1.0, True), (1e-6, False)])
def test_a_card_holds_weights_frames_and_what_is_made_of_them(part, limit, met):
    memory = part("card_memory")

    class Doubling(torch.nn.Linear):
        def forward(self, frames):
            return frames * 2

    case = memory.Case(lambda: Doubling(10, 100, bias=False), frames=4, tile=64)
    assert memory.most_held(case, torch.float16, (48, 96)) == 2 * (1000 + 2 * 4 * 3 * 48 * 64)
    (report,) = memory.run({"doubling": case}, limit, (48, 96))
    assert report.requirements[0].met is met


@pytest.mark.parametrize(("grown", "met"), [(lambda frames: 50.0 + frames, False), (lambda _: 50.0, True)])
def test_inpainting_is_measured_in_processes_of_their_own(part, monkeypatch, grown, met):
    benchmark = part("inpainting_memory")
    asked = []
    monkeypatch.setattr(
        benchmark, "figures_of", lambda *told: asked.append(told) or [100.0 + told[-1], grown(told[-1])]
    )
    (report,) = benchmark.run(["propainter, sub-videos of 20"])
    assert [told[-1] for told in asked] == [200, 400]
    assert report.requirements[0].met is met


def test_stand_ins_run_as_the_stages_of_inpainting(part, monkeypatch, capsys):
    benchmark = part("inpainting_memory")
    monkeypatch.setattr(benchmark.sys, "argv", ["", "propainter, sub-videos of 20", "3"])
    benchmark.main()
    peak, used = map(float, capsys.readouterr().out.split())
    assert 0 < used < peak
