"""Pictures: every kind loads right, every fault is refused with the file's name."""

from __future__ import annotations

import contextlib
import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from imet.data import images
from imet.data.images import decode_image, read_image
from imet.io import InputError


@pytest.fixture(scope="module")
def rgb():
    y, x = np.mgrid[:31, :47]
    return np.stack([5 * x, 8 * y, 2 * x + 3 * y], axis=2).astype(np.uint8)


def encode(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, raw: bytes, *extra: bytes, interlace=0) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))
    body = chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(extra) + body


def check_output(image):
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert image.flags.c_contiguous


def test_plain_png_takes_the_fast_path_and_equals_pillow(rgb, monkeypatch):
    data = encode(Image.fromarray(rgb))
    with monkeypatch.context() as patch:
        patch.setattr(images, "_decode_with_pillow", None)  # calling it would raise
        fast = decode_image(data)
    check_output(fast)
    assert np.array_equal(fast, rgb)


@settings(max_examples=40, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 99))
def test_both_decoders_agree_on_any_size(height, width, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    data = encode(Image.fromarray(pixels))
    assert np.array_equal(decode_image(data), pixels)
    assert np.array_equal(images._decode_with_pillow(data, ""), pixels)


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "PPM", "GIF", "WEBP"])
def test_other_formats(rgb, kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    image = decode_image(encode(Image.fromarray(rgb), kind, **options))
    check_output(image)
    tolerance = 12 if kind == "GIF" else 0  # 256 colours
    assert np.abs(image.astype(int) - rgb).mean() <= tolerance


def test_jpeg(rgb):
    image = decode_image(encode(Image.fromarray(rgb), "JPEG", quality=98))
    assert np.abs(image.astype(int) - rgb).mean() < 3


def test_grey(rgb):
    grey = Image.fromarray(rgb).convert("L")
    expected = np.repeat(np.asarray(grey)[..., None], 3, axis=2)
    assert np.array_equal(decode_image(encode(grey)), expected)
    two = grey.convert("1")
    assert np.array_equal(decode_image(encode(two))[..., 0], np.asarray(two) * 255)


def test_palette_with_and_without_transparency(rgb):
    palette = Image.fromarray(rgb).quantize(32)
    assert np.array_equal(decode_image(encode(palette)), np.asarray(palette.convert("RGB")))
    data = encode(palette, transparency=3)
    image, chosen = decode_image(data), np.asarray(palette) == 3
    assert chosen.any()
    assert (image[chosen] == 255).all()
    assert np.array_equal(image[~chosen], np.asarray(palette.convert("RGB"))[~chosen])


def test_alpha_lies_on_white(rgb):
    alpha = np.zeros(rgb.shape[:2], np.uint8)
    alpha[:, :20], alpha[:, 20:30] = 255, 128
    image = decode_image(encode(Image.fromarray(np.dstack([rgb, alpha]))))
    assert np.array_equal(image[:, :20], rgb[:, :20])
    assert (image[:, 30:] == 255).all()
    half = rgb[:, 20:30] * (128 / 255) + 255 * (127 / 255)
    assert np.abs(image[:, 20:30] - half).max() <= 1


def test_grey_with_alpha():
    pixels = np.zeros((2, 2, 2), np.uint8)
    pixels[0, 0] = (90, 255)
    image = decode_image(encode(Image.fromarray(pixels, "LA")))
    assert image[0, 0].tolist() == [90] * 3
    assert (image[1] == 255).all()


def test_transparent_colour_of_an_rgb_png(rgb):
    data = encode(Image.fromarray(rgb), transparency=tuple(rgb[4, 5].tolist()))
    assert decode_image(data)[4, 5].tolist() == [255] * 3
    assert np.array_equal(decode_image(data)[0, 1], rgb[0, 1])


@pytest.mark.parametrize("colour", [0, 2, 4, 6])
def test_sixteen_bits_are_scaled_not_clipped(colour):
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    levels = np.array([0, 257 * 10, 257 * 100, 257 * 200, 65535], np.uint16)
    pixels = np.repeat(levels[:, None], channels, axis=1)
    if colour in (4, 6):
        pixels[:, -1] = 65535  # opaque
    raw = b"\0" + pixels.astype(">u2").tobytes()
    image = decode_image(png(len(levels), 1, 16, colour, raw))
    check_output(image)
    assert image[0].tolist() == [[v] * 3 for v in (0, 10, 100, 200, 255)]


def test_sixteen_bit_tiff():
    levels = np.array([[0, 257 * 100, 65535]], np.uint16)
    image = decode_image(encode(Image.fromarray(levels), "TIFF"))
    assert image[0, :, 1].tolist() == [0, 100, 255]


def test_interlaced_png():
    # Adam7 of 2×2 pixels: pass 1 holds (0,0), pass 6 (0,1), pass 7 the second row.
    raw = b"\0" + bytes([1, 2, 3]) + b"\0" + bytes([4, 5, 6]) + b"\0" + bytes([7, 8, 9, 10, 11, 12])
    image = decode_image(png(2, 2, 8, 2, raw, interlace=1))
    assert image.reshape(-1).tolist() == list(range(1, 13))


def test_cmyk(rgb):
    cmyk = Image.fromarray(rgb).convert("CMYK")
    image = decode_image(encode(cmyk, "TIFF"))
    assert np.array_equal(image, np.asarray(cmyk.convert("RGB")))
    assert np.abs(image.astype(int) - rgb).max() <= 2
    jpeg = decode_image(encode(cmyk, "JPEG", quality=98))
    assert np.abs(jpeg.astype(int) - rgb).mean() < 5


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_exif_orientation_is_applied(orientation, kind):
    upright = np.zeros((40, 64, 3), np.uint8)
    upright[:16, :32] = (255, 0, 0)  # red top left
    upright[24:, 32:] = (0, 0, 255)  # blue bottom right
    turns = {  # how a camera stores it for each orientation
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }
    stored = Image.fromarray(np.ascontiguousarray(turns[orientation](upright)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = decode_image(encode(stored, kind, exif=exif.tobytes()))
    assert image.shape == upright.shape
    assert np.abs(image.astype(int) - upright).mean() < 6


def test_broken_exif_is_ignored(rgb):
    extra = chunk(b"eXIf", b"MM\0*\xff\xff\xff\xffgarbage")
    data = encode(Image.fromarray(rgb))
    data = data[:33] + extra + data[33:]
    assert np.array_equal(decode_image(data), rgb)


def test_first_frame_of_an_animation():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode_image(data)[0, 0].tolist() == [255, 0, 0]
    data = encode(frames[0], "PNG", save_all=True, append_images=frames[1:])
    assert decode_image(data)[0, 0].tolist() == [255, 0, 0]


def test_one_pixel():
    assert decode_image(encode(Image.new("RGB", (1, 1), (1, 2, 3)))).tolist() == [[[1, 2, 3]]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "zero bytes"),
        (b"hello", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "this is a PostScript document"),
        (b"\0\0\0\x1cftypheic\0\0\0\0mif1heic", "this is a HEIC picture; convert"),
        (b"<!DOCTYPE html><html>429</html>", "this is a web page; fetch"),
        (b"\n  <HTML>", "this is a web page"),
        (b"<?xml version='1.0'?><svg/>", "this is an SVG drawing"),
        (b"<svg xmlns='x'/>", "this is an SVG drawing"),
        (b"<?xml version='1.0'?><Error/>", "this is XML text"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS pointer; run git lfs pull"),
        (b"PK\x03\x04rest", "this is a ZIP archive"),
        (b"%PDF-1.7", "this is a PDF document"),
        (b"8BPS\0\1", "this is a Photoshop document"),
        (b"\xff\x0a\0", "this is a JPEG XL picture"),
        (b"\0\x05\x16\x07\0", "this is a side file of macOS; delete it"),
        (b'{"message": "Not Found"}', "this is JSON text"),
        (b"II*\0" + bytes(40), "this is a TIFF without a picture"),
    ],
)
def test_no_picture(tmp_path, content, message):
    file = tmp_path / "a.png"
    file.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_image(file)
    assert str(file) in str(caught.value)
    assert "; " in str(caught.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match=r"a\.png: the picture is missing"):
        read_image(tmp_path / "a.png")
    with pytest.raises(InputError, match="cannot be read"):
        read_image(tmp_path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "GIF"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated(rgb, kind, share):
    noisy = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    data = encode(Image.fromarray(noisy), kind)
    with pytest.raises(InputError, match=r"truncated|damaged|not a picture"):
        decode_image(data[: int(share * len(data))], "x")


@pytest.mark.parametrize("missing", [1, 12, 20])
def test_png_without_its_end_is_truncated(rgb, missing):
    with pytest.raises(InputError, match="truncated"):
        decode_image(encode(Image.fromarray(rgb))[:-missing])


def test_png_with_damaged_pixels_is_refused(rgb):
    data = bytearray(encode(Image.fromarray(rgb)))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(InputError, match="checksum"):
        decode_image(bytes(data))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_damage_raises_anything_but_input_error(data):
    rng = np.random.default_rng(0)
    pixels = Image.fromarray(rng.integers(0, 256, (9, 11, 3), dtype=np.uint8))
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "TIFF", "GIF", "WEBP", "BMP"]))
    content = bytearray(encode(pixels, kind))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    with contextlib.suppress(InputError):
        check_output(decode_image(bytes(content), "x"))


def test_png_whose_data_is_short_but_well_formed_is_refused():
    with pytest.raises(InputError, match="damaged"):
        decode_image(png(50, 50, 8, 2, b"\0" * 20))


@pytest.mark.parametrize("colour", [2, 3])
def test_decompression_bombs_are_refused_before_they_are_decoded(colour):
    extra = [chunk(b"PLTE", bytes(6))] if colour == 3 else []
    for side in (10_001, 60_000):
        with pytest.raises(InputError, match="decompression bomb"):
            decode_image(png(side, side, 8, colour, b"", *extra))


def test_a_bomb_in_another_format_is_refused():
    data = bytearray(encode(Image.new("1", (8, 8)), "BMP"))
    data[18:26] = struct.pack("<ii", 30_000, 30_000)
    with pytest.raises(InputError, match="decompression bomb"):
        decode_image(bytes(data))


def test_float_pictures_are_refused():
    with pytest.raises(InputError, match="floating-point"):
        decode_image(encode(Image.fromarray(np.zeros((2, 2), np.float32)), "TIFF"))


# --- Orientation, colour and transparency, wherever a file notes them -----------------------------

XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>
</rdf:RDF></x:xmpmeta>"""


def exif_of(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def raw_profile(kind: str, content: bytes) -> bytes:
    """ImageMagick's way: length and hexadecimal digits of an APP1 segment."""
    text = f"\n{kind}\n{len(content):8}\n{content.hex()}\n".encode("latin-1")
    return f"Raw profile type {kind}".encode() + b"\0\0" + zlib.compress(text)


ORIENTED = {
    "eXIf": chunk(b"eXIf", exif_of(6).removeprefix(b"Exif\0\0")),
    "iTXt": chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
    "iTXt, compressed": chunk(b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0" + zlib.compress(XMP)),
    "zTXt exif": chunk(b"zTXt", raw_profile("exif", exif_of(6))),
    "zTXt APP1": chunk(b"zTXt", raw_profile("APP1", exif_of(6))),
    "zTXt XMP": chunk(b"zTXt", raw_profile("xmp", XMP)),
    "zTXt XMP in APP1": chunk(
        b"zTXt", raw_profile("APP1", b"http://ns.adobe.com/xap/1.0/\0" + XMP)
    ),
}


@pytest.mark.parametrize("where", ORIENTED)
@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("colour", ["RGB", "L", "P", "RGBA", "1"])
def test_orientation_is_obeyed_wherever_a_png_notes_it(rgb, where, behind, colour):
    picture = Image.fromarray(rgb).convert(colour)
    data = encode(picture)
    place = len(data) - 12 if behind else 33  # before IEND, or behind IHDR
    turned = data[:place] + ORIENTED[where] + data[place:]
    assert np.array_equal(decode_image(turned), np.rot90(decode_image(data), -1))


@pytest.mark.parametrize("where", ORIENTED)
def test_orientation_in_a_chunk_with_a_wrong_checksum_is_not_believed(rgb, where):
    data = encode(Image.fromarray(rgb))
    bad = ORIENTED[where][:-1] + bytes([ORIENTED[where][-1] ^ 1])
    assert np.array_equal(decode_image(data[:33] + bad + data[33:]), rgb)


@pytest.mark.parametrize("kind", [b"PLTE", b"IDAT", b"IHDR", b"tRNS"])
def test_a_wrong_checksum_where_pixels_depend_on_it_is_damage(rgb, kind):
    data = encode(Image.fromarray(rgb).quantize(8), transparency=3)
    place = data.index(kind)
    (length,) = struct.unpack_from(">I", data, place - 4)
    bad = bytearray(data)
    bad[place + 4 + length] ^= 1
    with pytest.raises(InputError, match="checksum"):
        decode_image(bytes(bad))


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_transparent_grey_at_any_depth(depth):
    top = 2**depth - 1
    values = [0, top, 0, top]
    bits = "".join(f"{value:0{depth}b}" for value in values)
    row = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    plain = decode_image(png(4, 1, depth, 0, b"\0" + row))
    assert plain[0, :, 0].tolist() == [0, 255, 0, 255]
    seen = decode_image(png(4, 1, depth, 0, b"\0" + row, chunk(b"tRNS", b"\0\0")))
    assert (seen == 255).all()


def test_transparent_colour_of_sixteen_bits_is_compared_in_full():
    near, exact = (0x1234, 0x1234, 0x1235), (0x1234, 0x1234, 0x1234)
    raw = b"\0" + np.array([near, exact], ">u2").tobytes()
    trns = chunk(b"tRNS", struct.pack(">HHH", *exact))
    assert decode_image(png(2, 1, 16, 2, raw, trns)).tolist() == [[[18] * 3, [255] * 3]]


def test_a_colour_profile_is_converted_to_srgb(rgb):
    linear = ImageCms.ImageCmsProfile(BytesIO(linear_profile()))
    data = encode(Image.fromarray(rgb), icc_profile=linear.tobytes())
    got = decode_image(data).astype(float) / 255
    expected = level(rgb / 255)
    assert np.abs(got - expected).max() < 3 / 255
    jpeg = decode_image(
        encode(Image.fromarray(rgb), "JPEG", quality=98, icc_profile=linear.tobytes())
    )
    assert np.abs(jpeg / 255 - expected).mean() < 4 / 255


def test_the_srgb_profile_and_broken_ones_change_nothing(rgb):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, b"no profile at all"):
        assert np.array_equal(decode_image(encode(Image.fromarray(rgb), icc_profile=profile)), rgb)


SRGB = [(0.4360747, 0.2225045, 0.0139322), (0.3850649, 0.7168786, 0.0971045),
        (0.1430804, 0.0606169, 0.7141733)]  # fmt: skip
DISPLAY_P3 = [
    (0.51512, 0.24120, -0.00105),
    (0.29198, 0.69225, 0.04189),
    (0.15710, 0.06657, 0.78407),
]
ADOBE_RGB = [(0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)]
"""XYZ of red, green and blue, adapted to D50, as profiles hold them."""
LINEAR = b"curv\0\0\0\0" + struct.pack(">I", 0)  # no entries: identity
GAMMA = b"curv\0\0\0\0" + struct.pack(">IH", 1, 563)  # in 256ths
PARAMETERS = b"para\0\0\0\0" + struct.pack(
    ">HH5i", 3, 0, *(round(v * 65536) for v in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
)


def light(x):
    """sRGB's levels, 0 to 1, as amounts of light."""
    return np.where(x <= 0.04045, x / 12.92, (np.maximum(x, 0.04045) + 0.055) ** 2.4 / 1.055**2.4)


def level(y):
    """The inverse of `light`."""
    return np.where(y <= 0.0031308, 12.92 * y, 1.055 * np.maximum(y, 1e-9) ** (1 / 2.4) - 0.055)


TABLE = np.round(light(np.arange(1024) / 1023) * 65535).astype(">u2")
TABLE = b"curv\0\0\0\0" + struct.pack(">I", 1024) + TABLE.tobytes()  # as in the usual sRGB profile
CURVES = {
    "linear": (LINEAR, lambda x: x),
    "gamma": (GAMMA, lambda x: x ** (563 / 256)),
    "parameters": (PARAMETERS, light),
    "table": (TABLE, light),
}


def linear_profile() -> bytes:
    """An RGB profile with sRGB's primaries and no gamma."""
    return light_profile(SRGB, "linear", "linear")


def light_profile(primaries, curve: str, words: str) -> bytes:
    """An RGB profile of three primaries and one curve."""
    tags = {}
    for name, xyz in zip((b"rXYZ", b"gXYZ", b"bXYZ", b"wtpt"), [*primaries, (0.9642, 1.0, 0.8249)]):
        tags[name] = b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in xyz))
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), CURVES[curve][0])
    return icc(b"mntrRGB XYZ ", tags, words)


def icc(kind: bytes, tags: dict[bytes, bytes], words: str) -> bytes:
    name = words.encode() + b"\0"
    tags[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(78)
    tags[b"cprt"] = b"text\0\0\0\0none\0"
    table, body, place = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += name + struct.pack(">II", place + len(body), len(content))
        body += content
    head = struct.pack(">I4sI12s", 0, b"\0\0\0\0", 0x02100000, kind)
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    profile = bytearray(head.ljust(128, b"\0") + table + body)
    profile[:4] = struct.pack(">I", len(profile))
    return bytes(profile)


def in_srgb(pixels, primaries, curve: str):
    """Oracle: levels of an RGB profile as levels of sRGB, both 0 to 255."""
    xyz = CURVES[curve][1](pixels / 255) @ np.array(primaries)
    return 255 * level(np.clip(xyz @ np.linalg.inv(SRGB), 0, 1))


def profiled(pixels, container: str, profile: bytes) -> bytes:
    """A PNG, TIFF or WebP file of pixels with 8 or 16 bits."""
    if container == "TIFF":
        file = BytesIO()
        tifffile.imwrite(file, pixels, photometric="rgb", metadata=None, iccprofile=profile)
        return file.getvalue()
    if pixels.dtype == np.uint8:
        options = {"lossless": True} if container == "WEBP" else {}
        return encode(Image.fromarray(pixels), container, icc_profile=profile, **options)
    height, width, _ = pixels.shape
    raw = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    note = chunk(b"iCCP", b"profile\0\0" + zlib.compress(profile))
    return png(width, height, 16, 2, raw, note)


@pytest.mark.parametrize(
    ("primaries", "curve", "words"),
    [
        (ADOBE_RGB, "gamma", "Adobe RGB (1998)"),
        (DISPLAY_P3, "parameters", "Display P3"),
        (DISPLAY_P3, "table", "Display P3"),
        (SRGB, "linear", "sRGB IEC61966-2.1"),
        (DISPLAY_P3, "parameters", "sRGB IEC61966-2.1"),
        (SRGB, "gamma", "sRGB with a simple gamma"),
    ],
)
@pytest.mark.parametrize(
    ("container", "bits"), [("PNG", 8), ("PNG", 16), ("TIFF", 8), ("TIFF", 16), ("WEBP", 8)]
)
def test_a_profile_is_obeyed_whatever_its_name(rgb, primaries, curve, words, container, bits):
    pixels = (rgb * np.uint16(257)) if bits == 16 else rgb
    data = profiled(pixels, container, light_profile(primaries, curve, words))
    expected = in_srgb(rgb, primaries, curve)
    assert np.abs(expected - rgb).max() > 5
    assert np.abs(decode_image(data) - expected).max() < 2


@pytest.mark.parametrize("curve", ["parameters", "table"])
@pytest.mark.parametrize("words", ["sRGB IEC61966-2.1", "c2", ""])
@pytest.mark.parametrize("container", ["PNG", "TIFF", "WEBP"])
def test_a_profile_like_srgb_moves_no_pixel(rgb, curve, words, container):
    data = profiled(rgb, container, light_profile(SRGB, curve, words))
    assert np.array_equal(decode_image(data), rgb)


# --- TIFF: tifffile, which wrote them, knows what is in them -------------------------------------

SHADES = np.stack(np.broadcast_arrays(np.arange(32) * 8, np.arange(24)[:, None] * 10, 99), -1)
ALPHA = np.where(np.arange(32) < 16, 255, 128)[None, :, None].repeat(24, 0)
EXTRA = {"unassociated": 2, "associated": 1, "unspecified": 0}


@pytest.mark.parametrize("kind", ["minisblack", "miniswhite", "rgb", "separated"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("alpha", [None, *EXTRA])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_tiff_of_any_kind(kind, bits, planes, alpha, order, compression):
    colours = SHADES if kind in ("rgb", "separated") else SHADES[..., :1]
    expected = np.broadcast_to(colours, SHADES.shape).astype(float)
    stored = 255 - colours if kind == "miniswhite" else colours
    if kind == "separated":
        stored = np.concatenate([255 - colours, np.full_like(colours[..., :1], 30)], -1)
        expected = expected * (225 / 255)
    if alpha == "associated":  # inks are multiplied by it, too
        stored = stored * ALPHA / 255
    if alpha:
        stored = np.concatenate([stored, ALPHA], -1)
    if alpha in ("associated", "unassociated"):
        expected = expected * (ALPHA / 255) + 255 - ALPHA
    pixels = np.round(stored * (257 if bits == 16 else 1)).astype(f"u{bits // 8}")
    options = {"photometric": kind, "byteorder": order, "compression": compression}
    if pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    else:
        options["planarconfig"] = planes
        pixels = pixels if planes == "contig" else np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
    if alpha:
        options["extrasamples"] = [EXTRA[alpha]]
    file = BytesIO()
    tifffile.imwrite(file, pixels, metadata=None, **options)
    assert np.abs(decode_image(file.getvalue()).astype(int) - expected).max() <= 2


@pytest.mark.parametrize("big", [False, True])
def test_the_largest_page_of_a_tiff_is_the_picture(big):
    file = BytesIO()
    with tifffile.TiffWriter(file, bigtiff=big) as tiff:
        tiff.write(np.zeros((6, 8, 3), np.uint8), photometric="rgb", subfiletype=1)
        tiff.write(SHADES.astype(np.uint8), photometric="rgb")
        tiff.write(np.zeros((12, 16, 3), np.uint8), photometric="rgb")
    assert np.array_equal(decode_image(file.getvalue()), SHADES)


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_tiffs_orientation_is_obeyed(orientation, bits):
    file = BytesIO()
    pixels = (SHADES * (257 if bits == 16 else 1)).astype(f"u{bits // 8}")
    tag = [(274, "H", 1, orientation, True)]
    for planes in ("contig", "separate"):
        stored = pixels if planes == "contig" else np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
        file = BytesIO()
        options = {"photometric": "rgb", "planarconfig": planes, "extratags": tag}
        tifffile.imwrite(file, stored, metadata=None, **options)
        expected = SHADES if orientation == 1 else np.rot90(SHADES, -1)
        assert np.abs(decode_image(file.getvalue()).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("name", ["photo.dng", "PHOTO.NEF"])
def test_raw_photographs_are_named(name):
    file = BytesIO()
    tifffile.imwrite(file, np.zeros((4, 4), np.uint16))
    with pytest.raises(InputError, match="this is a raw photograph; convert"):
        decode_image(file.getvalue(), name)


def test_a_tiff_that_is_not_read_says_what_it_is():
    file = BytesIO()
    tifffile.imwrite(file, np.zeros((4, 4), np.uint32))
    with pytest.raises(
        InputError,
        match="32 bits each, photometric minisblack, compression none, is not read; save",
    ):
        decode_image(file.getvalue())


def test_a_compression_that_is_not_read_is_named():
    file = BytesIO()
    tifffile.imwrite(file, np.zeros((4, 8, 8), np.uint16), photometric="separated", metadata=None,
                     planarconfig="separate")  # fmt: skip
    file.seek(0)
    with tifffile.TiffFile(file, mode="r+b") as tiff:
        tiff.pages.first.tags["Compression"].overwrite(9999)
    with pytest.raises(
        InputError,
        match="4 channels, 16 bits each, photometric separated, compression 9999, is not read",
    ):
        decode_image(file.getvalue())


def test_pictures_are_converted_alike_in_any_bands(rgb, monkeypatch):
    alpha = np.arange(rgb[..., 0].size).reshape(rgb.shape[:2]).astype(np.uint8)
    data = encode(Image.fromarray(np.dstack([rgb, alpha])))
    whole = decode_image(data)
    monkeypatch.setattr(images, "BAND", 100)  # two rows of 47 pixels
    assert np.array_equal(decode_image(data), whole)


def test_a_tiff_whose_pages_go_round_in_a_circle_ends(rgb):
    """The place of the next page, at the end of the first one's list of tags, names itself."""
    data = bytearray(encode(Image.fromarray(rgb), "TIFF"))
    (first,) = struct.unpack_from("<I", data, 4)
    (tags,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * tags, first)
    with contextlib.suppress(InputError):
        check_output(decode_image(bytes(data), "x.tif"))


# --- What a fault is called, and kinds that few files have ----------------------------------------


def test_a_message_names_the_file_or_says_picture():
    with pytest.raises(InputError) as caught:
        decode_image(b"")
    assert str(caught.value) == "picture: the file is empty (zero bytes); fetch it again"
    bomb = bytearray(encode(Image.new("1", (8, 8)), "BMP"))
    bomb[18:26] = struct.pack("<ii", 30_000, 30_000)
    with pytest.raises(InputError, match=r"^hall/big\.bmp: "):
        decode_image(bytes(bomb), "hall/big.bmp")
    portable_float = b"Pf\n2 1\n-1.0\n" + np.array([0.5, 1.0], "<f4").tobytes()
    with pytest.raises(InputError) as caught:
        decode_image(portable_float, "a.pfm")
    fault = "a.pfm: floating-point pixels; save it with 8 or 16 bits per channel"
    assert str(caught.value) == fault
    file = BytesIO()
    tifffile.imwrite(file, np.zeros((4, 4), np.float32))
    with pytest.raises(InputError, match="a TIFF of 1 channels, 32 floating-point bits each, "):
        decode_image(file.getvalue(), "a.tif")


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf<html", b"<HEAD><title>", b"<body>Too many"])
def test_pages_without_a_doctype_are_web_pages_too(start):
    assert images.what_it_is(start) == "a web page; fetch the picture itself"


def test_a_picture_that_names_avif_among_its_brands_is_no_heic():
    start = b"\0\0\0\x1cftypmif1\0\0\0\0"
    assert images.what_it_is(start + b"avifmiaf") is None
    assert images.what_it_is(start + b"heic") == "a HEIC picture; convert it to JPEG or PNG"


def test_formats_beyond_the_list_are_no_pictures(rgb):
    for kind in ("PCX", "TGA"):  # Pillow reads them; what it reads without a test is not offered
        with pytest.raises(InputError, match="not a picture; replace it with a PNG or JPEG"):
            decode_image(encode(Image.fromarray(rgb), kind))


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "JPEG2000"])
def test_transparency_lies_on_white_in_other_formats_too(rgb, kind):
    alpha = np.where(np.arange(47) < 20, 255, 0).astype(np.uint8)[None].repeat(31, 0)
    picture = Image.fromarray(np.dstack([rgb, alpha]))
    image = decode_image(encode(picture, kind, **({"lossless": True} if kind == "WEBP" else {})))
    assert (image[:, 22:] == 255).all()
    assert np.abs(image[:, :18].astype(int) - rgb[:, :18]).mean() < 12


def test_portable_greys_of_one_and_sixteen_bits():
    two = decode_image(b"P4\n8 1\n" + bytes([0b01010101]))  # 1 is black
    assert two[0, :, 0].tolist() == [255, 0] * 4
    levels = np.array([0, 257 * 100, 65535], ">u2").tobytes()
    assert decode_image(b"P5\n3 1\n65535\n" + levels)[0].tolist() == [[0] * 3, [100] * 3, [255] * 3]


def test_exif_of_imagemagick_without_an_orientation_turns_nothing(rgb):
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    note = chunk(b"zTXt", raw_profile("exif", exif.tobytes()))
    data = encode(Image.fromarray(rgb))
    assert np.array_equal(decode_image(data[:33] + note + data[33:]), rgb)


def test_a_reduced_page_is_the_picture_only_where_there_is_no_other():
    file = BytesIO()
    with tifffile.TiffWriter(file) as tiff:
        tiff.write(np.zeros((48, 64, 3), np.uint8), photometric="rgb", subfiletype=1)
        tiff.write(SHADES.astype(np.uint8), photometric="rgb")
    assert np.array_equal(decode_image(file.getvalue()), SHADES)
    file = BytesIO()
    tifffile.imwrite(file, SHADES.astype(np.uint8), photometric="rgb", subfiletype=1)
    assert np.array_equal(decode_image(file.getvalue()), SHADES)


def test_of_two_channels_beside_the_colours_the_alpha_is_used():
    beside = np.concatenate([SHADES, ALPHA, np.full_like(ALPHA, 7)], -1).astype(np.uint8)
    file = BytesIO()
    tifffile.imwrite(file, beside, photometric="rgb", extrasamples=[2, 0], metadata=None)
    expected = SHADES * (ALPHA / 255) + 255 - ALPHA
    assert np.abs(decode_image(file.getvalue()).astype(int) - expected).max() <= 1


def test_the_raw_mosaic_of_a_sensor_is_refused():
    file = BytesIO()
    tifffile.imwrite(file, np.zeros((8, 8), np.uint16), photometric="cfa", metadata=None)
    with pytest.raises(
        InputError, match="1 channels, 16 bits each, photometric cfa, compression none, is not"
    ):
        decode_image(file.getvalue())


def test_a_profile_for_light_is_not_used_on_inks():
    inks = np.full((4, 8, 4), 20_000, np.uint16)
    plain, profiled = BytesIO(), BytesIO()
    for file, profile in ((plain, None), (profiled, linear_profile())):
        tifffile.imwrite(file, inks, photometric="separated", metadata=None, iccprofile=profile)
    assert np.array_equal(decode_image(profiled.getvalue()), decode_image(plain.getvalue()))


def tiff(pixels, **options) -> bytes:
    file = BytesIO()
    tifffile.imwrite(file, pixels, **{"metadata": None} | options)
    return file.getvalue()


def ink_profile() -> bytes:
    """A CMYK profile: the Lab colour of each of the 16 ways to print four inks or none."""
    inks = np.stack(np.meshgrid(*[[0, 1]] * 4, indexing="ij"), -1).reshape(16, 4)
    cyan, magenta, yellow, black = inks.T
    lightness = (95 - 30 * cyan - 35 * magenta - 8 * yellow) * (1 - 0.8 * black)
    green_red = (-30 * cyan + 65 * magenta - 4 * yellow) * (1 - black)
    blue_yellow = (-42 * cyan - 3 * magenta + 80 * yellow) * (1 - black)
    lab = np.stack([lightness * 2.55, green_red + 128, blue_yellow + 128], -1)
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0])
    table += struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    table += (
        bytes(range(256)) * 4 + np.round(lab).astype(np.uint8).tobytes() + bytes(range(256)) * 3
    )
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    return icc(b"prtrCMYKLab ", {b"wtpt": white, b"A2B0": table, b"A2B1": table}, "four inks")


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("alpha", [False, True])
def test_inks_are_converted_through_their_profile(rgb, bits, planes, alpha):
    inks = np.dstack([rgb, rgb[..., 0] // 2])  # (H, W, 4)
    oracle = ImageCms.profileToProfile(
        Image.frombytes("CMYK", (47, 31), inks.tobytes()),
        ImageCms.ImageCmsProfile(BytesIO(ink_profile())),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    stored = np.dstack([inks, np.full_like(inks[..., :1], 255)]) if alpha else inks
    stored = (stored * np.uint16(257)) if bits == 16 else stored
    stored = stored if planes == "contig" else np.ascontiguousarray(np.moveaxis(stored, -1, 0))
    extra = {"extrasamples": [2]} if alpha else {}
    options = {"photometric": "separated", "planarconfig": planes} | extra
    image = decode_image(tiff(stored, iccprofile=ink_profile(), **options))
    assert np.array_equal(image, np.asarray(oracle))
    assert np.abs(image.astype(int) - decode_image(tiff(stored, **options))).max() > 20


def test_paper_that_no_ink_covers_is_white_through_a_profile():
    inks = np.full((4, 8, 5), 65535, np.uint16)
    inks[..., 4] = 0  # transparent
    options = {"planarconfig": "contig", "extrasamples": [2], "iccprofile": ink_profile()}
    assert (decode_image(tiff(inks, photometric="separated", **options)) == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("where", ["tag", "XMP", "both"])
def test_a_tiffs_orientation_is_obeyed_in_xmp_too(orientation, bits, where):
    turned = {
        1: SHADES, 2: SHADES[:, ::-1], 3: SHADES[::-1, ::-1], 4: SHADES[::-1],
        5: SHADES.transpose(1, 0, 2), 6: np.rot90(SHADES, -1),
        7: np.rot90(SHADES, 2).transpose(1, 0, 2), 8: np.rot90(SHADES),
    }[orientation]  # fmt: skip
    note = XMP.replace(b'"6"', b'"%d"' % (3 if where == "both" else orientation))
    tags = [(274, "H", 1, orientation, True)] if where != "XMP" else []
    tags += [(700, "B", len(note), note, True)] if where != "tag" else []
    pixels = (SHADES * (257 if bits == 16 else 1)).astype(f"u{bits // 8}")
    planes = np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
    for stored, kind in ((pixels, "contig"), (planes, "separate")):
        data = tiff(stored, photometric="rgb", planarconfig=kind, extratags=tags)
        assert np.array_equal(decode_image(data), turned)


# --- Kinds of TIFF: read to the level, or refused by name -----------------------------------------


@pytest.mark.parametrize(
    "compression", ["png", "jpeg2000", "jpegxl", "lerc", "lzma", "zstd", "packbits"]
)
@pytest.mark.parametrize("kind", ["rgb", "minisblack"])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_tiff_of_any_compression_without_loss_is_read_exactly(compression, kind, bits):
    pixels = (SHADES * (257 if bits == 16 else 1)).astype(f"u{bits // 8}")
    pixels = pixels if kind == "rgb" else pixels[..., 0]
    image = decode_image(tiff(pixels, photometric=kind, compression=compression))
    assert np.array_equal(image, SHADES if kind == "rgb" else SHADES[..., [0, 0, 0]])


@pytest.mark.parametrize("alpha", [False, True])
def test_webp_inside_a_tiff_may_have_alpha(alpha):
    pixels = np.dstack([SHADES, ALPHA]) if alpha else SHADES
    options = {"extrasamples": [2]} if alpha else {}
    args = {"compression": "webp", "compressionargs": {"lossless": True}}
    image = decode_image(tiff(pixels.astype(np.uint8), photometric="rgb", **args, **options))
    expected = SHADES * (ALPHA / 255) + 255 - ALPHA if alpha else SHADES
    assert np.abs(image - expected).max() <= 1


def renamed(data: bytes, kind: str) -> bytes:
    """A TIFF with another photometric interpretation of the same pixels."""
    file = BytesIO(data)
    with tifffile.TiffFile(file, mode="r+b") as changed:
        photometric = tifffile.PHOTOMETRIC[kind.upper()]
        changed.pages.first.tags["PhotometricInterpretation"].overwrite(photometric)
    return file.getvalue()


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("kind", ["minisblack", "miniswhite", "palette"])
def test_few_bits_and_palettes_are_read_exactly(bits, kind):
    levels = np.arange(24 * 32).reshape(24, 32) * 7 % 2**bits
    tags = []
    expected = np.rint(np.repeat(levels[..., None], 3, -1) * (255 / (2**bits - 1)))
    if kind == "miniswhite":
        expected = 255 - expected
    if kind == "palette":
        colours = np.random.default_rng(0).integers(0, 256, (2**bits, 3))
        tags = [(320, "H", 3 * 2**bits, (colours.T * 257).ravel().tolist(), True)]
        expected = colours[levels]
    stored = levels.astype(bool if bits == 1 else np.uint8)
    grey = "minisblack" if kind == "palette" else kind
    data = tiff(stored, photometric=grey, bitspersample=bits, extratags=tags)
    assert np.array_equal(decode_image(renamed(data, kind)), expected)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize(
    "options",
    [
        {"tile": (16, 16)},
        {"tile": (16, 16), "compression": "zlib", "predictor": True},
        {"compression": "lzw", "predictor": True},
        {"compression": "zstd", "predictor": True, "rowsperstrip": 5},
        {"rowsperstrip": 7},
    ],
)
def test_tiles_strips_and_predictors_are_read_exactly(bits, planes, options):
    pixels = (SHADES * (257 if bits == 16 else 1)).astype(f"u{bits // 8}")
    stored = pixels if planes == "contig" else np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
    data = tiff(stored, photometric="rgb", planarconfig=planes, **options)
    assert np.array_equal(decode_image(data), SHADES)


@pytest.mark.parametrize(
    ("kind", "bits", "words"),
    [
        ("i1", 8, "8 signed"), ("i2", 16, "16 signed"), ("i4", 32, "32 signed"),
        ("u4", 32, "32"), ("u8", 64, "64"), ("u2", 10, "10"), ("u2", 12, "12"), ("u2", 14, "14"),
        ("f2", 16, "16 floating-point"), ("f4", 32, "32 floating-point"),
        ("f8", 64, "64 floating-point"), ("c8", 64, "64 complex"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("channels", [1, 3])
def test_numbers_that_are_no_bytes_or_pairs_of_bytes_are_refused_by_name(
    kind, bits, words, channels
):
    pixels = np.zeros((8, 8, 3), kind) if channels == 3 else np.zeros((8, 8), kind)
    colours = "rgb" if channels == 3 else "minisblack"
    packed = {"bitspersample": bits} if bits in (10, 12, 14) else {}
    with pytest.raises(InputError) as caught:
        decode_image(tiff(pixels, photometric=colours, **packed), "a.tif")
    assert str(caught.value) == (
        f"a.tif: a TIFF of {channels} channels, {words} bits each, photometric {colours}, "
        "compression none, is not read; save it as an 8-bit PNG"
    )


@pytest.mark.parametrize("kind", ["icclab", "itulab", "logluv", "linear_raw"])
def test_colours_that_are_not_read_are_named(kind):
    data = renamed(tiff(SHADES.astype(np.uint8), photometric="rgb"), kind)
    with pytest.raises(InputError, match=f"3 channels, 8 bits each, photometric {kind}, compress"):
        decode_image(data)
