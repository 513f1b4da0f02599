"""Every engine on every Blender of the network, by real renders: what a file says, what the network mandates, what it must not do."""

import hashlib
import subprocess
from pathlib import Path

import OpenImageIO as oiio
import pytest
import pytest_asyncio

from pictor_agent import engines, pixels, sandbox
from pictor_agent.abilities import best_device
from pictor_agent.environments import make_environments
from pictor_agent.runner import RunFailed, Runner
from rendering import blend_header, checks
from tests.agent import tiles
from tests.agent.conftest import HERE, blender_python, environments_folder, make_spec

VERSIONS = [version.exact for version in engines.blender_versions_available()]
EEVEE_SECONDS = 1_500.0  # its shaders are built at the first frame: half a minute on an idle processor, more on a busy one
pytestmark = [
    pytest.mark.blender,
    pytest.mark.xdist_group("blender"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(1_800),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def network():
    """A node that has every Blender."""
    made = Runner(make_environments([blender_python()], environments_folder()), sandbox.find_sandbox())
    assert set(VERSIONS) <= set(made.environments), "BLENDER_ENVIRONMENTS must hold every version; make test sees to it"
    yield made
    await made.close()


@pytest.fixture(scope="module")
def folders(network, tmp_path_factory) -> dict[str, Path]:
    """Version -> a folder with the files that this version saved."""
    return {version: saved_by(network.environments[version].program, tmp_path_factory.mktemp("saved")) for version in VERSIONS}


def saved_by(python: str, folder: Path) -> Path:
    folder.chmod(0o755)
    subprocess.run([python, "-I", str(HERE / "make_versioned.py"), str(folder)], check=True, capture_output=True, timeout=240)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def spec_of(version: str, main_path: str, **fields):
    key = hashlib.sha256(f"{version} {main_path}".encode()).hexdigest()
    return make_spec(main_path, **({"blender_version": version, "scene_key": key, "seconds_max": EEVEE_SECONDS} | fields))


def channels_of(path: Path) -> set[str]:
    image, found, number = oiio.ImageInput.open(str(path)), set(), 0
    while image.seek_subimage(number, 0):
        found |= set(image.spec().channelnames)
        number += 1
    return found


@pytest.mark.parametrize("version", VERSIONS)
class EveryVersionTests:
    async def test_cycles_gives_the_pixels_of_that_blender_alone(self, network, folders, version, tmp_path):
        spec = spec_of(version, "eevee.blend", engine="cycles", seed=11, samples=2, frame=4, denoise=False)
        rendered = await network.render(spec, folders[version], tmp_path / "ours")
        plain = tmp_path / "plain.png"
        words = [folders[version] / spec.main_path, 4, 11, 32, 18, 2, plain, "CYCLES"]
        python = network.environments[version].program
        subprocess.run([python, "-I", str(HERE / "fresh_render.py"), *map(str, words)], check=True, timeout=240)
        assert rendered.result.pixels_sha256 == pixels.decode(plain, pixels_max=10_000).sha256
        assert rendered.result.device == "CPU"

    async def test_eevee_draws_without_a_display(self, network, folders, version, tmp_path):
        spec = spec_of(version, "eevee.blend", engine="eevee")
        rendered = await network.render(spec, folders[version], tmp_path / "frame")
        picture = pixels.read_pixels(rendered.path, pixels_max=10_000)
        assert picture.shape[:2] == (18, 32)
        assert picture[:, :, :3].std() > 10

    async def test_layers_and_passes_come_as_the_file_says_and_no_node_of_it_writes(self, network, folders, version, tmp_path):
        spec = spec_of(version, "layers.blend", format="OPEN_EXR_MULTILAYER", depth_bits=16)
        rendered = await network.render(spec, folders[version], tmp_path / "frame.exr")
        names = channels_of(rendered.path)
        assert {"ViewLayer.Combined.R", "ViewLayer.Depth.Z", "Second.Combined.R", "Composite.Combined.R"} <= names
        decoded = pixels.decode(rendered.path, pixels_max=32 * 18, image_format=spec.format)
        assert decoded.sha256 == rendered.result.pixels_sha256
        assert checks.problem(decoded.pixels, width=32, height=18, image_format=spec.format) is None
        assert not list(folders[version].glob("written*"))

    async def test_merged_tiles_are_the_whole_frame_to_the_bit(self, network, folders, version, tmp_path):
        size = {"width": tiles.WIDTH, "height": tiles.HEIGHT}
        spec = spec_of(version, "layers.blend", denoise=True, format="OPEN_EXR_MULTILAYER", depth_bits=32, **size)
        in_one = await network.render(spec, folders[version], tmp_path / "whole")
        merged = await tiles.in_tiles(network, folders[version], spec, tmp_path)
        assert merged.sha256 == in_one.result.pixels_sha256

    async def test_the_compositor_is_on(self, network, folders, version, tmp_path):
        frames = [
            await network.render(spec_of(version, name), folders[version], tmp_path / name)
            for name in ("layers.blend", "eevee.blend")
        ]
        inverted, plain = (pixels.read_pixels(frame.path, pixels_max=10_000)[0, 0, 0] for frame in frames)
        assert (inverted > 128) != (plain > 128)

    async def test_an_inspection_knows_what_the_file_needs(self, network, folders, version, tmp_path):
        found = await self.inspect(network, folders[version], "layers.blend", version, tmp_path)
        assert found["blender_version_saved"] == ".".join(version.split(".")[:2])
        assert (found["format"], found["view_layers"]) == ("OPEN_EXR_MULTILAYER", ["ViewLayer", "Second"])
        assert (found["compositor"], found["file_output_nodes"]) == (True, 1)
        assert found["simulations_unbaked"] == ["Cube"]

    async def test_an_inspection_knows_eevee_and_its_samples(self, network, folders, version, tmp_path):
        found = await self.inspect(network, folders[version], "eevee.blend", version, tmp_path)
        assert engines.find_by_blender_id(found["engine"]).name == "eevee"
        assert (found["samples"], found["compositor"], found["simulations"]) == (1, False, [])

    async def test_an_inspection_tells_missing_files_from_foreign_paths(self, network, folders, version, tmp_path):
        found = await self.inspect(network, folders[version], "paths.blend", version, tmp_path)
        assert found["missing_files"] == ["textures/gone.png"]
        assert found["outside_files"] == ["C:/tex/wood.png"]
        assert found["outside_found"] == ["textures/wood.png"]

    async def inspect(self, network, folder, main, version, tmp_path):
        return await network.inspect(folder, main, version=version, seconds_max=240, thumbnail=tmp_path / "thumbnail")

    @pytest.mark.parametrize("name", ["layers.blend", "eevee.blend"])  # plain and compressed
    async def test_the_header_says_the_same_without_blender(self, folders, version, name):
        with (folders[version] / name).open("rb") as file:
            header = blend_header.check(file)
        assert header.version == engines.series_number(version)
        assert (header.frame_start, header.frame_end, header.scene) == (3, 12, "Scene")

    async def test_a_gpu_that_is_ordered_and_not_there_is_said(self, network, folders, version, tmp_path):
        if await best_device(network.environments, network.sandbox) != "CPU":
            pytest.skip("this machine has a GPU")
        with pytest.raises(RunFailed) as failed:
            await network.render(spec_of(version, "eevee.blend", device="gpu"), folders[version], tmp_path / "x")
        assert failed.value.reason == "no_gpu"
