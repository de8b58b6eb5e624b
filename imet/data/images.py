"""Pictures of any kind as RGB bytes, loaded right or refused with a reason.

A PNG's pixels are decoded by pyspng and the rarer kinds of TIFF by tifffile; Pillow does the rest.
All go the same way from there: transparency on white, colour profile to sRGB, orientation upright.
"""

from __future__ import annotations

import re
import struct
import warnings
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyspng
import tifffile
from PIL import Image, ImageCms, ImageOps

from imet.io import InputError
from imet.typing import Array

LARGEST = 100_000_000  # pixels; a file of a few kilobytes can ask for far more memory than this
# Not every format Pillow knows: opening an EPS file, for one, starts another program.
FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "GIF", "PPM", "AVIF", "JPEG2000")
WHITE = 255
BAND = 1_000_000  # pixels that are converted together
SRGB = ImageCms.createProfile("sRGB")


def read_image(path: Path | str) -> Array:
    """Read a picture file as 8-bit RGB.

    Grey, palette, CMYK and 16-bit pictures are converted, transparency is laid on white, colour
    profiles are converted to sRGB, and the orientation that EXIF or XMP notes is applied. Of an
    animation the first frame is taken, of a TIFF with several pages the largest.

    Args:
        path: PNG, JPEG, WebP, TIFF, BMP, GIF, PPM, AVIF or JPEG 2000, told by content, not by name.

    Returns:
        (H, W, 3) uint8, C-contiguous.

    Raises:
        InputError: missing, empty, truncated, damaged, not a picture, or over 100 megapixels.

    Examples:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "red.png"
        >>> Image.new("RGBA", (2, 1), (255, 0, 0, 128)).save(file)
        >>> read_image(file).tolist()
        [[[255, 127, 127], [255, 127, 127]]]
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: the picture is missing; put it there") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the file") from None
    return decode_image(data, str(path))


def decode_image(data: bytes, name: str = "picture") -> Array:
    """`read_image` of a file's bytes; `name` stands in messages."""
    if not data:
        raise InputError(f"{name}: the file is empty (zero bytes); fetch it again")
    other = what_it_is(data)
    if other is not None:
        raise InputError(f"{name}: this is {other}")
    try:
        with warnings.catch_warnings():
            # Our own limit stands in for Pillow's warning; its error at twice that limit is caught.
            warnings.simplefilter("ignore")  # of metadata that cannot be read, too
            if data.startswith(PNG_SIGNATURE):
                image = _decode_png(data, name)
            elif data.startswith(TIFF_SIGNATURES):
                image = _decode_tiff(data, name)
            else:
                image = _decode_with_pillow(data, name)
    except InputError:
        raise
    except Image.DecompressionBombError:
        raise _bomb(name) from None
    except Image.UnidentifiedImageError:
        raise InputError(f"{name}: not a picture; replace it with a PNG or JPEG") from None
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error, …
        raise InputError(f"{name}: truncated or damaged ({error}); fetch it again") from None
    # Pillow's own memory is read-only, which torch.from_numpy warns of.
    return np.require(image, np.uint8, requirements=["C", "W"])


def check_image_size(width: int, height: int, name: str) -> None:
    """Raise `InputError` for a picture of more than 100 megapixels."""
    if width * height > LARGEST:
        raise _bomb(name, f"{width}×{height} pixels are ")


def _bomb(name: str, size: str = "") -> InputError:
    return InputError(
        f"{name}: {size}refused as a decompression bomb; "
        f"scale it below {LARGEST // 1_000_000} megapixels"
    )


# --- What a file is that is no picture -----------------------------------------------------------

_CONVERT = "convert it to JPEG or PNG"
_FETCH = "fetch the picture itself"
_STARTS = (
    (b"version https://git-lfs", "a Git LFS pointer", "run git lfs pull"),
    (b"PK\x03\x04", "a ZIP archive (an office document is one, too)", "unpack it"),
    (b"PK\x05\x06", "an empty ZIP archive", _FETCH),
    (b"\x1f\x8b", "a gzip archive", "unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it"),
    (b"Rar!", "a RAR archive", "unpack it"),
    (b"%PDF", "a PDF document", "export its picture as JPEG or PNG"),
    (b"%!PS", "a PostScript document", "export its picture as JPEG or PNG"),
    (b"\xd0\xcf\x11\xe0", "an old office document", "export its picture as JPEG or PNG"),
    (b"8BPS", "a Photoshop document", _CONVERT),
    (b"\xff\x0a", "a JPEG XL picture", _CONVERT),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture", _CONVERT),
    (b"\x00\x05\x16\x07", "a side file of macOS", "delete it"),
    (b"gimp xcf", "a GIMP document", _CONVERT),
    (b"{", "JSON text", _FETCH),
)
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def what_it_is(data: bytes) -> str | None:
    """What a file is that this program reads neither as picture nor as table, and the remedy.

    Args:
        data: the file's bytes, or the first thousand of them.

    Returns:
        "a web page; fetch the picture itself", say; None for pictures, tables and anything unknown.

    Examples:
        >>> what_it_is(b"<!DOCTYPE html><html>429 Too Many Requests")
        'a web page; fetch the picture itself'
    """
    for start, what, remedy in _STARTS:
        if data.startswith(start):
            return f"{what}; {remedy}"
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF and b"avif" not in data[8:40]:
        return f"a HEIC picture; {_CONVERT}"
    text = data[:1000].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return f"a web page; {_FETCH}"
    if text.startswith(b"<svg") or (text.startswith(b"<?xml") and b"<svg" in text):
        return f"an SVG drawing; {_CONVERT}"
    if text.startswith((b"<?xml", b"<!")):
        return f"XML text; {_FETCH}"
    return None


# --- PNG -----------------------------------------------------------------------------------------

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIXEL_CHUNKS = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS"}
_TEXT_CHUNKS = {b"iTXt", b"zTXt", b"tEXt"}
_ORIENTATION_TEXTS = (b"XML:com.adobe.xmp", b"Raw profile type ")  # keywords
_GREY, _PALETTE = (0, 4), 3  # colour types


class _Png(NamedTuple):
    """What a PNG's chunks say of its pixels."""

    data: bytes  # the file without optional chunks whose checksum is wrong
    depth: int
    colour: int  # colour type
    interlaced: bool
    transparent: bytes  # tRNS
    described: bool  # has a colour profile or something that may hold an orientation


def _decode_png(data: bytes, name: str) -> Array:
    png = _scan_png(data, name)
    try:
        if not png.described and not png.transparent and (png.depth, png.colour) == (8, 2):
            return pyspng.load(png.data, format="RGB")  # (H, W, 3), twice as fast as Pillow
        if png.colour == _PALETTE or (png.interlaced and png.depth < 8):
            return _decode_with_pillow(png.data, name)
        rgb = _png_on_white(png)
    except RuntimeError as error:
        raise InputError(f"{name}: damaged ({error}); fetch it again") from None
    if not png.described:
        return rgb
    described = Image.open(BytesIO(png.data), formats=["PNG"])
    described.load()  # reads chunks behind the pixels, too
    image = Image.fromarray(rgb)
    if png.colour in _GREY:
        image = image.getchannel(0)  # a grey profile is of one channel
    return _finished(image, described)


def _scan_png(data: bytes, name: str) -> _Png:
    """Look at every chunk: pyspng decodes damaged pixels without a word, so checksums are ours.

    A wrong checksum in a chunk that no pixel depends on costs that chunk and not the picture.
    """
    faulty: list[tuple[int, int]] = []
    place, kind = len(PNG_SIGNATURE), b""
    depth = colour = interlaced = 0
    transparent, described = b"", False
    view = memoryview(data)
    while kind != b"IEND":
        if place + 12 > len(data):
            raise InputError(f"{name}: the picture is truncated; fetch it again")
        (length,) = struct.unpack_from(">I", data, place)
        kind, end = data[place + 4 : place + 8], place + 12 + length
        if end > len(data):
            raise InputError(f"{name}: the picture is truncated; fetch it again")
        (checksum,) = struct.unpack_from(">I", data, end - 4)
        content = view[place + 8 : end - 4]
        if zlib.crc32(view[place + 4 : end - 4]) != checksum:
            if kind in _PIXEL_CHUNKS:
                raise InputError(f"{name}: damaged (wrong PNG checksum); fetch it again")
            faulty.append((place, end))
        elif kind == b"IHDR" and length == 13:
            width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", content)
            check_image_size(width, height, name)
        elif kind == b"tRNS":
            transparent = bytes(content)
        elif kind in (b"eXIf", b"iCCP"):
            described = True
        elif kind in _TEXT_CHUNKS:
            described |= bytes(content[:32]).startswith(_ORIENTATION_TEXTS)
        place = end
    for start, end in reversed(faulty):
        data = data[:start] + data[end:]
    return _Png(data, depth, colour, bool(interlaced), transparent, described)


def _png_on_white(png: _Png) -> Array:
    """(H, W, 3) uint8 of a grey or RGB PNG; its transparency is a channel or one colour."""
    top = 65535 if png.depth == 16 else 255
    channels = pyspng.c.SPNG_FMT_RGBA16 if png.depth == 16 else pyspng.c.SPNG_FMT_RGBA8
    count = len(png.transparent) // 2  # 1 or 3 numbers, 16 bits each whatever the depth
    colour = np.array(struct.unpack(f">{count}H", png.transparent[: 2 * count]), np.int64)
    colour = colour * top // (2**png.depth - 1)

    def to_rgb(levels: Array) -> Array:
        colours, alpha = levels[..., :3], levels[..., 3:]
        if count:
            alpha = np.where((colours == colour).all(-1, keepdims=True), 0, alpha)
        return _on_white(colours, alpha, top)

    return _in_bands(pyspng.c.spng_decode_image_bytes(png.data, channels), to_rgb)


def _in_bands(pixels: Array, to_rgb: Callable[[Array], Array]) -> Array:
    """Convert pixels (H, W, channels) to uint8, some rows of int64 at a time to save memory."""
    rows = max(1, BAND // pixels.shape[1])
    bands = (pixels[top : top + rows].astype(np.int64) for top in range(0, len(pixels), rows))
    return np.concatenate([to_rgb(band) for band in bands])


def _on_white(colours: Array, alpha: Array, top: int) -> Array:
    """Colours (H, W, 3) with opacity (H, W, 1), both in 0 … `top`, on white: uint8."""
    mixed = (colours * alpha + top * (top - alpha)) / top  # in 0 … top
    return np.floor(mixed * (WHITE / top) + 0.5).astype(np.uint8)


# --- TIFF ----------------------------------------------------------------------------------------

TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
RAW_ENDINGS = (".dng", ".nef", ".cr2", ".arw", ".orf", ".rw2", ".pef", ".srw")
_DNG_VERSION = 50706  # a tag
_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, _CMYK = 0, 1, 2, 5  # photometric interpretations
_PLAIN_CHANNELS = {_MIN_IS_BLACK: 1, _MIN_IS_WHITE: 1, _RGB: 3, _CMYK: 4}


def _decode_tiff(data: bytes, name: str) -> Array:
    """The largest page that is no reduced copy of another.

    Pillow reads rare kinds of TIFF with wrong pixels and no error, so it gets the usual ones only.
    """
    try:
        with tifffile.TiffFile(BytesIO(data)) as file:
            pages = [page for page in file.pages if isinstance(page, tifffile.TiffPage)]
            raw = Path(name).suffix.lower() in RAW_ENDINGS
            if raw or not pages or _DNG_VERSION in pages[0].tags:
                what = "a raw photograph" if raw or pages else "a TIFF without a picture"
                raise InputError(f"{name}: this is {what}; {_CONVERT}")
            full = [page for page in pages if not page.is_reduced] or pages
            page = max(full, key=lambda page: page.imagewidth * page.imagelength)
            check_image_size(page.imagewidth, page.imagelength, name)
            if _is_usual(page):
                return _decode_with_pillow(data, name, page=page.index)
            return _rare_tiff(page, name)
    except tifffile.TiffFileError as error:
        raise InputError(f"{name}: truncated or damaged ({error}); fetch it again") from None


def _is_usual(page: tifffile.TiffPage) -> bool:
    """Whether Pillow reads this kind right."""
    channels = _PLAIN_CHANNELS.get(page.photometric)
    if channels is None:
        return page.bitspersample <= 8  # palette, YCbCr, CIELab
    alpha = page.samplesperpixel - channels
    interleaved = page.planarconfig == 1 or page.samplesperpixel == 1
    if page.bitspersample == 16:
        return interleaved and alpha == 0 and page.photometric in (_MIN_IS_BLACK, _RGB)
    plain = page.bitspersample in (1, 8) or (page.bitspersample < 8 and channels == 1)
    return plain and (alpha == 0 or (alpha == 1 and page.photometric == _RGB)) and interleaved


def _rare_tiff(page: tifffile.TiffPage, name: str) -> Array:
    """Grey, RGB or CMYK of 8 or 16 bits, in any order of bytes and planes, with any alpha."""
    kind = f"a TIFF of {page.samplesperpixel} channels, {page.bitspersample} bits each"
    remedy = "save it as an 8-bit PNG"
    if page.dtype is not None and page.dtype.kind == "f":
        raise InputError(f"{name}: floating-point pixels; {remedy}")
    channels = _PLAIN_CHANNELS.get(page.photometric)
    if channels is None or page.dtype not in (np.uint8, np.uint16) or page.bitspersample % 8:
        raise InputError(f"{name}: {kind} is not read; {remedy}")
    try:
        pixels = page.asarray()
    except Exception as error:  # which one depends on the compression
        if "imagecodecs" not in str(error):
            raise
        compression = getattr(page.compression, "name", page.compression)
        raise InputError(f"{name}: {kind}, {compression}, is not read; {remedy}") from None
    if page.samplesperpixel == 1:
        pixels = pixels[..., None]
    elif page.planarconfig == 2:
        pixels = np.moveaxis(pixels, 0, -1)
    top = np.iinfo(page.dtype).max
    extra = [int(kind) for kind in page.extrasamples]  # 1: associated alpha, 2: unassociated
    place = next((channels + k for k, kind in enumerate(extra) if kind in (1, 2)), None)

    def to_rgb(levels: Array) -> Array:
        colours = levels[..., :channels]
        if page.photometric == _MIN_IS_WHITE:
            colours = top - colours
        elif page.photometric == _CMYK:
            colours = (top - colours[..., :3]) * (top - colours[..., 3:]) // top
        if place is None:
            return _on_white(colours, np.full_like(levels[..., :1], top), top)
        alpha = levels[..., place : place + 1]
        if extra[place - channels] == 1:  # colours are multiplied by alpha already
            colours = np.minimum(colours * top // np.maximum(alpha, 1), top)
        return _on_white(colours, alpha, top)

    shown = _in_bands(pixels, to_rgb)  # (H, W, 1 or 3)
    rgb = Image.fromarray(shown if shown.shape[-1] == 3 else shown.repeat(3, -1))
    orientation = page.tags.valueof(274)
    exif = Image.Exif()
    exif[_ORIENTATION] = int(orientation or 1)
    rgb.info["exif"] = exif.tobytes()
    profile = page.tags.valueof(34675)
    if profile and channels == 3:
        rgb.info["icc_profile"] = bytes(profile)
    return _finished(rgb, rgb)


# --- All other formats ---------------------------------------------------------------------------


def _decode_with_pillow(data: bytes, name: str, page: int = 0) -> Array:
    """(H, W, 3) uint8 of what Pillow reads."""
    Image.init()  # makes the less common formats known; only the first call does anything
    known = [kind for kind in FORMATS if kind in Image.OPEN]
    image = Image.open(BytesIO(data), formats=known)
    if page:
        image.seek(page)
    check_image_size(*image.size, name)
    image.load()
    return _finished(_to_eight_bits(image, name), image)


def _to_eight_bits(image: Image.Image, name: str) -> Image.Image:
    """L, RGB or CMYK; transparency on white."""
    if image.mode.startswith("I"):  # I;16 and its kin, and 32-bit greys that hold 16-bit values
        levels = np.asarray(image).astype(np.int64)
        if levels.min() < 0 or levels.max() > 65535:
            raise InputError(f"{name}: 32 bits per pixel; save it with 8 or 16 bits per channel")
        return Image.fromarray(((levels * 255 + 32767) // 65535).astype(np.uint8))
    if image.mode == "F":
        raise InputError(f"{name}: floating-point pixels; save it with 8 or 16 bits per channel")
    if image.has_transparency_data:
        layer = np.asarray(image.convert("RGBA"))
        return Image.fromarray(_in_bands(layer, lambda x: _on_white(x[..., :3], x[..., 3:], 255)))
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


_ORIENTATION = 0x0112  # a tag of EXIF
_XMP_ORIENTATION = re.compile(rb"tiff:Orientation(?:=[\"']|>)\s*([1-8])")


def _finished(image: Image.Image, described: Image.Image) -> Array:
    """sRGB and upright, by the profile and the orientation of `described`: (H, W, 3) uint8."""
    image = _to_srgb(image, described.info.get("icc_profile"))
    try:
        turned = ImageOps.exif_transpose(_with_orientation(image, described))
    except Exception:  # malformed EXIF raises anything; the pixels are sound
        turned = image
    return np.asarray(turned.convert("RGB"))


def _with_orientation(image: Image.Image, described: Image.Image) -> Image.Image:
    """A copy of an image that notes the orientation of another in its EXIF and nowhere else."""
    copy, exif = image.copy(), Image.Exif()
    exif[_ORIENTATION] = _orientation_of(described)
    copy.info = {"exif": exif.tobytes()}
    return copy


def _orientation_of(image: Image.Image) -> int:
    """1 to 8 from EXIF or XMP, which Pillow finds in most places, or from ImageMagick's chunks."""
    if _ORIENTATION in (exif := image.getexif()):
        return int(exif[_ORIENTATION])
    for kind in ("APP1", "app1", "xmp"):
        text = image.info.get(f"Raw profile type {kind}")
        if isinstance(text, str):
            content = bytes.fromhex("".join(text.split("\n")[3:]))
            if content.startswith(b"Exif"):
                exif.load(content)
                return int(exif.get(_ORIENTATION, 1))
            if match := _XMP_ORIENTATION.search(content):
                return int(match[1])
    return 1


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Pixels of a picture with a colour profile as sRGB; one that cannot be used is passed over."""
    if not profile:
        return image
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return image
        converted = ImageCms.profileToProfile(
            image,
            source,
            SRGB,
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return image if converted is None else converted
