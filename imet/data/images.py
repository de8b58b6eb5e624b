"""Pictures of any kind as RGB bytes, loaded right or refused with a reason."""

from __future__ import annotations

import struct
import warnings
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pyspng
from PIL import Image, ImageOps

from imet.io import InputError
from imet.typing import Array

LARGEST = 100_000_000  # pixels; a file of a few kilobytes can ask for far more memory than this
# Not every format Pillow knows: opening an EPS file, for one, starts another program.
FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "GIF", "PPM", "AVIF", "JPEG2000")
WHITE = (255, 255, 255, 255)

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PLAIN_PNG = (8, 2, 0)  # bit depth 8, colour type RGB, not interlaced
UNUSUAL_CHUNKS = {b"tRNS", b"eXIf", b"acTL"}  # transparency, orientation, animation


def read_image(path: Path | str) -> Array:
    """Read a picture file as 8-bit RGB.

    Grey, palette, CMYK and 16-bit pictures are converted, transparency is laid on white, the
    orientation that EXIF notes is applied, and of an animation the first frame is taken.

    Args:
        path: PNG, JPEG, WebP, TIFF, BMP, GIF, PPM, AVIF or JPEG 2000.

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
    if data.startswith(PNG_SIGNATURE) and _is_plain_png(data, name):
        try:
            return pyspng.load(data, format="RGB")  # (H, W, 3), twice as fast as Pillow
        except RuntimeError as error:
            raise InputError(f"{name}: damaged ({error}); fetch it again") from None
    return _decode_with_pillow(data, name)


def _is_plain_png(data: bytes, name: str) -> bool:
    """Whether pyspng may decode this PNG: 8-bit RGB without transparency or orientation.

    pyspng decodes damaged data without a word, so every chunk's checksum is looked at here.
    """
    plain, place, kind = False, len(PNG_SIGNATURE), b""
    while kind != b"IEND":
        if place + 12 > len(data):
            raise InputError(f"{name}: the picture is truncated; fetch it again")
        (length,) = struct.unpack_from(">I", data, place)
        kind, end = data[place + 4 : place + 8], place + 12 + length
        if end > len(data):
            raise InputError(f"{name}: the picture is truncated; fetch it again")
        (checksum,) = struct.unpack_from(">I", data, end - 4)
        if zlib.crc32(memoryview(data)[place + 4 : end - 4]) != checksum:
            raise InputError(f"{name}: damaged (wrong PNG checksum); fetch it again")
        if kind == b"IHDR" and length == 13:
            width, height, depth, colour, _, _, interlaced = struct.unpack_from(
                ">IIBBBBB", data, place + 8
            )
            check_image_size(width, height, name)
            plain = (depth, colour, interlaced) == PLAIN_PNG
        elif kind in UNUSUAL_CHUNKS:
            plain = False
        place = end
    return plain


def check_image_size(width: int, height: int, name: str) -> None:
    """Raise `InputError` for a picture of more than 100 megapixels."""
    if width * height > LARGEST:
        raise InputError(
            f"{name}: {width}×{height} pixels are refused as a decompression bomb; "
            f"scale it below {LARGEST // 1_000_000} megapixels"
        )


def _decode_with_pillow(data: bytes, name: str) -> Array:
    """Any other picture: (H, W, 3) uint8."""
    try:
        with warnings.catch_warnings():
            # Our own limit stands in for Pillow's warning; its error at twice that limit is caught.
            warnings.simplefilter("ignore")  # of metadata that cannot be read, too
            Image.init()  # makes the less common formats known; only the first call does anything
            known = [kind for kind in FORMATS if kind in Image.OPEN]
            image = Image.open(BytesIO(data), formats=known)
            check_image_size(*image.size, name)
            image.load()
            # Pillow's own memory is read-only, which torch.from_numpy warns of.
            return np.require(_to_rgb(_upright(image), name), requirements=["C", "W"])
    except InputError:
        raise
    except Image.DecompressionBombError:
        raise InputError(
            f"{name}: refused as a decompression bomb; "
            f"scale it below {LARGEST // 1_000_000} megapixels"
        ) from None
    except Image.UnidentifiedImageError:
        raise InputError(f"{name}: not a picture; replace it with a PNG or JPEG") from None
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error, …
        raise InputError(f"{name}: truncated or damaged ({error}); fetch it again") from None


def _upright(image: Image.Image) -> Image.Image:
    """Apply EXIF's orientation; a picture whose EXIF cannot be read is taken as it is."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # malformed EXIF raises anything; the pixels are sound
        return image


def _to_rgb(image: Image.Image, name: str) -> Array:
    """(H, W, 3) uint8 of any mode."""
    if image.mode.startswith("I"):  # I;16 and its kin, and 32-bit greys that hold 16-bit values
        levels = np.asarray(image).astype(np.int64)
        if levels.min() < 0 or levels.max() > 65535:
            raise InputError(f"{name}: 32 bits a pixel; save it with 8 or 16 bits a channel")
        grey = ((levels * 255 + 32767) // 65535).astype(np.uint8)  # (H, W)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode == "F":
        raise InputError(f"{name}: floating-point pixels; save it with 8 or 16 bits a channel")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, WHITE), layer)
    return np.asarray(image.convert("RGB"))
