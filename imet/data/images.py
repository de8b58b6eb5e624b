"""Pictures of any kind as RGB bytes, read correctly or refused with a reason.

A PNG's pixels are decoded by libpng (imagecodecs), the rarer kinds of TIFF by tifffile, and the
rest by Pillow.
All then take the same steps: transparency on white, colour profile to sRGB, orientation upright.
"""

from __future__ import annotations

import logging
import re
import struct
import warnings
import zlib
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from PIL import Image, ImageCms, ImageOps

from imet.io import InputError
from imet.typing import Array

LARGEST = 100_000_000  # pixels; a file of a few kilobytes can ask for far more memory than this
BOMB = f"refused as a decompression bomb; scale it below {LARGEST // 1_000_000} megapixels"
# Not every format that Pillow knows: opening an EPS file, for example, starts another program.
FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "GIF", "PPM", "AVIF", "JPEG2000")
WHITE = 255
BAND = 250_000  # pixels converted together
SRGB = ImageCms.createProfile("sRGB")


def read_image(path: Path | str) -> Array:
    """Read a picture file as 8-bit RGB.

    Grey, palette, CMYK and 16-bit pictures are converted, transparency is laid on white, colour
    profiles are converted to sRGB, and the orientation that EXIF or XMP gives is applied; a profile
    that is unusable, or made for other channels, is ignored, as browsers do. An animation gives its
    first frame, a TIFF with several pages its largest page.

    Args:
        path: PNG, JPEG, WebP, TIFF, BMP, GIF, PPM, AVIF or JPEG 2000, by its content, not its name.

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
    """`read_image` for a file's bytes; messages call the file `name`."""
    if not data:
        raise InputError(f"{name}: the file is empty (zero bytes); fetch it again")
    if other := what_it_is(data):
        raise InputError(f"{name}: this is {other}")
    try:
        with warnings.catch_warnings():
            # Our own limit replaces Pillow's warning; its error at twice that limit is caught.
            warnings.simplefilter("ignore")  # also those about unreadable metadata
            if data.startswith(PNG_SIGNATURE):
                image = _decode_png(data, name)
            elif data.startswith(TIFF_SIGNATURES):
                image = _decode_tiff(data, name)
            else:
                image = _decode_with_pillow(data, name)
    except InputError:
        raise
    except Image.DecompressionBombError:
        raise InputError(f"{name}: {BOMB}") from None
    except Image.UnidentifiedImageError:
        raise InputError(f"{name}: not a picture; replace it with a PNG or JPEG") from None
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error, …
        raise InputError(f"{name}: truncated or damaged ({error}); fetch it again") from None
    # Pillow's own memory is read-only, which torch.from_numpy warns about.
    return np.require(image, np.uint8, requirements=["C", "W"])


def check_image_size(width: int, height: int, name: str) -> None:
    """Raise `InputError` for a picture of more than 100 megapixels."""
    if width * height > LARGEST:
        raise InputError(f"{name}: {width}×{height} pixels are {BOMB}")


# --- What a file is if it is not a picture -------------------------------------------------------

_CONVERT = "convert it to JPEG or PNG"
_FETCH = "fetch the picture itself"
_EXPORT = "export its picture as JPEG or PNG"
_STARTS = (
    (b"version https://git-lfs", "a Git LFS pointer", "run git lfs pull"),
    (b"PK\x03\x04", "a ZIP archive (an office document is one, too)", f"unpack it or {_EXPORT}"),
    (b"PK\x05\x06", "an empty ZIP archive", _FETCH),
    (b"\x1f\x8b", "a gzip archive", "unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it"),
    (b"Rar!", "a RAR archive", "unpack it"),
    (b"%PDF", "a PDF document", _EXPORT),
    (b"%!PS", "a PostScript document", _EXPORT),
    (b"\xd0\xcf\x11\xe0", "an old office document", _EXPORT),
    (b"8BPS", "a Photoshop document", _CONVERT),
    (b"\xff\x0a", "a JPEG XL picture", _CONVERT),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture", _CONVERT),
    (b"\x00\x05\x16\x07", "a side file of macOS", "delete it"),
    (b"gimp xcf", "a GIMP document", _CONVERT),
    (b"{", "JSON text", _FETCH),
)
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def what_it_is(data: bytes) -> str | None:
    """Say what a file is that can be read neither as a picture nor as a table, and the remedy.

    The first thousand bytes are enough; None for pictures, tables and anything unknown.

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
_DESCRIPTION = re.compile(b"iCCP|eXIf|(iTXt|tEXt|zTXt)(XML:com.adobe.xmp|Raw profile type )")


def _decode_png(data: bytes, name: str) -> Array:
    data, described = _sound_chunks(data, name)
    width, height = struct.unpack_from(">II", data, 16)
    check_image_size(width, height, name)
    pixels = _on_white(np.atleast_3d(imagecodecs.png_decode(data)))  # (H, W, 1 or 3)
    if not described:
        return np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    file = Image.open(BytesIO(data), formats=["PNG"])
    file.load()  # also reads chunks after the pixels
    return _finished(_image(pixels), file.info.get("icc_profile"), _orientation_of(file))


def _sound_chunks(data: bytes, name: str) -> tuple[bytes, bool]:
    """Remove a PNG's chunks that have a wrong checksum and on which no pixel depends.

    Also returns whether there is a colour profile or a chunk that may hold an orientation.
    Checksums are verified here because libpng treats damaged transparency as none.
    """
    faulty: list[tuple[int, int]] = []
    described = False
    view = memoryview(data)
    place, kind = len(PNG_SIGNATURE), b""
    while kind != b"IEND":
        kind = data[place + 4 : place + 8]
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        if end > len(data):
            raise InputError(f"{name}: the picture is truncated; fetch it again")
        if zlib.crc32(view[place + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            if kind[:1].isupper() or kind == b"tRNS":  # capitals name chunks that pixels depend on
                raise InputError(f"{name}: damaged (wrong PNG checksum); fetch it again")
            faulty.append((place, end))
        described |= _DESCRIPTION.match(data, place + 4) is not None
        place = end
    for start, end in reversed(faulty):
        data = data[:start] + data[end:]
    return data, described


# --- TIFF ----------------------------------------------------------------------------------------

TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
RAW_ENDINGS = (".dng", ".nef", ".cr2", ".arw", ".orf", ".rw2", ".pef", ".srw")
logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # faults that matter are raised
_DNG_VERSION, _ICC_PROFILE, _XMP = 50706, 34675, 700  # tags
_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, _CMYK = 0, 1, 2, 5  # photometric interpretations
_PLAIN_CHANNELS = {_MIN_IS_BLACK: 1, _MIN_IS_WHITE: 1, _RGB: 3, _CMYK: 4}
# None, CCITT, LZW, JPEG, Deflate, PackBits, LZMA and Zstandard: what Pillow decompresses.
_USUAL_COMPRESSIONS = {1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34925, 50000}


def _decode_tiff(data: bytes, name: str) -> Array:
    """Decode the largest page that is not a reduced copy of another.

    Pillow reads rare kinds of TIFF with wrong pixels and no error, so it only gets the usual kinds.
    """
    with tifffile.TiffFile(BytesIO(data)) as file:
        pages: list[tifffile.TiffPage] = []
        for page in file.pages:
            if any(page.offset == other.offset for other in pages):
                break  # a damaged file may go round in a circle
            pages += [page] if isinstance(page, tifffile.TiffPage) else []
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


def _is_usual(page: tifffile.TiffPage) -> bool:
    """Whether Pillow reads this kind of TIFF correctly."""
    if page.sampleformat != 1 or page.compression not in _USUAL_COMPRESSIONS:
        return False
    channels = _PLAIN_CHANNELS.get(page.photometric)
    if channels is None:
        return page.bitspersample <= 8 and page.photometric in (3, 6, 8)  # palette, YCbCr, CIELab
    if page.samplesperpixel != channels or (page.planarconfig == 2 and channels > 1):
        return False
    return page.bitspersample in (1, 8) or (page.bitspersample < 8 and channels == 1)


def _rare_tiff(page: tifffile.TiffPage, name: str) -> Array:
    """Decode grey, RGB or CMYK of 8 or 16 bits, in any byte or plane order, with any alpha."""
    channels = _PLAIN_CHANNELS.get(page.photometric, 0)
    read = page.dtype in (np.uint8, np.uint16) and page.bitspersample % 8 == 0
    read &= 0 < channels <= page.samplesperpixel - len(page.extrasamples)
    if not read or page.compression not in tifffile.TIFF.DECOMPRESSORS:
        kinds = [getattr(tag, "name", tag) for tag in (page.photometric, page.compression)]
        number = {2: " signed", 3: " floating-point", 6: " complex"}.get(page.sampleformat, "")
        what = f"{page.samplesperpixel} channels, {page.bitspersample}{number} bits each, "
        what += "photometric {}, compression {}".format(*kinds).lower()
        raise InputError(f"{name}: a TIFF of {what}, is not read; save it as an 8-bit PNG")
    pixels = np.atleast_3d(page.asarray())
    if page.planarconfig == 2 and page.samplesperpixel > 1:
        pixels = np.moveaxis(pixels, 0, -1)
    top = np.iinfo(pixels.dtype).max
    extra = [int(kind) for kind in page.extrasamples]  # 1: associated alpha, 2: unassociated
    place = next((channels + k for k, kind in enumerate(extra) if kind in (1, 2)), None)
    profile = page.tags.valueof(_ICC_PROFILE)
    inks_to_srgb = _to_srgb(profile, "CMYK") if profile and channels == 4 else None

    def arranged(levels: Array) -> Array:
        colours = levels[..., :channels]
        alpha = levels[..., :0] if place is None else levels[..., place : place + 1]
        if place and extra[place - channels] == 1:  # colours are multiplied by alpha already
            colours = np.minimum(colours * top // np.maximum(alpha, 1), top)
        if page.photometric == _MIN_IS_WHITE:
            colours = top - colours
        elif inks_to_srgb:
            inks = _image(np.floor(colours * (WHITE / top) + 0.5).astype(np.uint8))
            colours = np.asarray(inks_to_srgb.apply(inks), np.int64) * (top // WHITE)
        elif page.photometric == _CMYK:
            colours = (top - colours[..., :3]) * (top - colours[..., 3:]) // top
        return np.concatenate([colours, alpha], axis=-1)

    image = _image(_on_white(pixels, arranged))
    image.info["xmp"] = page.tags.valueof(_XMP) or b""
    orientation = page.tags.valueof(_ORIENTATION) or _orientation_of(image)
    return _finished(image, None if channels == 4 else profile, orientation)


# --- All other formats ---------------------------------------------------------------------------


def _decode_with_pillow(data: bytes, name: str, page: int = 0) -> Array:
    """Decode with Pillow to (H, W, 3) uint8."""
    Image.init()  # makes the less common formats known; only the first call does anything
    known = [kind for kind in FORMATS if kind in Image.OPEN]
    file = Image.open(BytesIO(data), formats=known)
    if page:
        file.seek(page)
    check_image_size(*file.size, name)
    file.load()
    image = _to_eight_bits(file, name)
    return _finished(image, file.info.get("icc_profile"), _orientation_of(file))


def _to_eight_bits(image: Image.Image, name: str) -> Image.Image:
    """Convert to mode L, RGB or CMYK, with transparency on white."""
    if image.mode.startswith(("I", "F")):  # I;16 and its kin, and 32-bit greys of 16-bit values
        levels = np.asarray(image)
        if image.mode == "F" or levels.min() < 0 or levels.max() > 65535:
            what = "floating-point pixels" if image.mode == "F" else "32 bits per pixel"
            raise InputError(f"{name}: {what}; save it with 8 or 16 bits per channel")
        return _image(_on_white(levels[..., None].astype(np.uint16)))
    if image.has_transparency_data:
        return _image(_on_white(np.asarray(image.convert("RGBA"))))
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


# --- Steps for pictures of all formats -----------------------------------------------------------


def _on_white(pixels: Array, arranged: Callable[[Array], Array] | None = None) -> Array:
    """Convert pixels of 8 or 16 bits to (H, W, 1 or 3) uint8, with transparency on white.

    `pixels` are (H, W, channels), grey or RGB, with or without opacity as the last channel;
    `arranged` turns any other channels into these, from int64 to int64.
    """
    height, width, channels = pixels.shape
    top = np.iinfo(pixels.dtype).max
    if top == WHITE and channels in (1, 3) and not arranged:
        return pixels
    rows = max(1, BAND // width)  # a band of rows at a time, to save memory
    bands = []
    for start in range(0, height, rows):
        levels: Array = pixels[start : start + rows].astype(np.int64)
        levels = arranged(levels) if arranged else levels
        colours, alpha = np.split(levels, [1 if levels.shape[-1] < 3 else 3], axis=-1)
        if alpha.size:
            colours = (colours * alpha + top * (top - alpha)) / top  # in 0 … top
        bands.append(np.floor(colours * (WHITE / top) + 0.5).astype(np.uint8))
    return np.concatenate(bands)


def _image(pixels: Array) -> Image.Image:
    """The Pillow image of pixels (H, W, channels) uint8: grey, RGB or CMYK."""
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[pixels.shape[2]]
    return Image.frombytes(mode, pixels.shape[1::-1], pixels.tobytes())


_ORIENTATION = 0x0112  # a tag of EXIF and TIFF
_XMP_ORIENTATION = re.compile(rb"tiff:Orientation(?:=[\"']|>)\s*([1-8])")


def _finished(image: Image.Image, profile: bytes | None, orientation: int | None) -> Array:
    """The picture in sRGB and upright, (H, W, 3) uint8."""
    change = _to_srgb(profile, image.mode) if profile else None
    image = change.apply(image) if change else image.convert("RGB")
    image.info = {}  # drops odd metadata; nothing else in it is needed
    image.getexif()[_ORIENTATION] = orientation or 1
    ImageOps.exif_transpose(image, in_place=True)
    return np.asarray(image)


def _orientation_of(image: Image.Image) -> int:
    """1 to 8, from EXIF or XMP, which Pillow finds in most places, or from ImageMagick's chunks."""
    try:
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
    except Exception:  # malformed EXIF may raise anything; the pixels are sound
        pass
    return 1


@lru_cache(32)  # the pictures of a collection share a few profiles
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """A profile to sRGB; None if it is unusable or moves no colour by more than one level."""
    colours = 15 * np.indices([18] * len(mode), np.uint8)  # all of "L", "RGB" or "CMYK"
    sample = _image(colours.reshape(len(mode), -1).T[None])
    intent, flags = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
    try:
        change = ImageCms.buildTransform(BytesIO(profile), SRGB, mode, "RGB", intent, flags)
        moved = np.asarray(change.apply(sample)).astype(int) - np.asarray(sample.convert("RGB"))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return change if np.abs(moved).max() > 1 else None
