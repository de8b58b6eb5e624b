"""Damaged pictures and tables of every form that is read, from a seed.

As a program it decodes damaged pictures under limits, in a process that a crash or a hang would
end: `python tests/damaged.py COUNT SEED` prints how many were read and refused, and the memory.
"""

from __future__ import annotations

import csv
import faulthandler
import io
import json
import resource
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

MEMORY = 3 << 30
"""Bytes of addresses the decoder may have: a header may ask for 100 megapixels of 8 bytes."""
SECONDS = 60
"""For one picture; far more than any takes, and less than for ever."""

# --- Pictures

KINDS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("PNG", "RGB", {}), ("PNG", "RGBA", {}), ("PNG", "L", {}), ("PNG", "LA", {}), ("PNG", "1", {}),
    ("PNG", "P", {}), ("PNG", "I;16", {}), ("JPEG", "RGB", {}), ("JPEG", "L", {}),
    ("JPEG", "CMYK", {}), ("JPEG", "RGB", {"progressive": True}), ("WEBP", "RGB", {}),
    ("WEBP", "RGBA", {"lossless": True}), ("TIFF", "RGB", {}), ("TIFF", "L", {}),
    ("TIFF", "CMYK", {}), ("TIFF", "I;16", {}), ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    ("TIFF", "RGBA", {"compression": "tiff_adobe_deflate"}),
    ("TIFF", "RGB", {"compression": "jpeg"}), ("TIFF", "1", {"compression": "group4"}),
    ("BMP", "RGB", {}), ("BMP", "P", {}), ("GIF", "P", {"animated": True}), ("PPM", "RGB", {}),
    ("PPM", "L", {}), ("AVIF", "RGB", {}), ("JPEG2000", "RGB", {}), ("JPEG2000", "RGBA", {}),
    ("MPO", "RGB", {"animated": True}),
)  # fmt: skip


def encoded(rng: np.random.Generator, kind: str, mode: str, options: dict[str, Any]) -> bytes:
    """A small picture of noise and an edge, with EXIF where the format has a place for it."""
    height, width = (int(n) for n in rng.integers(1, 40, 2))
    pixels = rng.integers(0, 256, (height, width, 4), dtype=np.uint8)
    pixels[: height // 2] = 200
    image = Image.fromarray(pixels)
    if mode == "I;16":
        image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    else:
        image = image.convert("RGB").convert(mode) if mode != "RGBA" else image
    options = dict(options)
    if options.pop("animated", False):
        options |= {"save_all": True, "append_images": [image.rotate(180)]}
    if kind in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF"):
        exif = Image.Exif()
        exif[0x0112] = int(rng.integers(1, 9))
        options["exif"] = exif
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def damage(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Cut off, flipped, spliced with another file, repeated, blanked or lengthened."""
    content = bytearray(data)
    start, end = sorted(int(n) for n in rng.integers(0, len(content) + 1, 2))
    match int(rng.integers(6)):
        case 0:
            content = content[:end]
        case 1:
            for place in rng.integers(0, len(content), rng.integers(1, 9)):
                content[place] ^= 1 << int(rng.integers(8))
        case 2:
            content[start:] = other[min(start, len(other)) :]
        case 3:
            content[end:end] = content[start:end]
        case 4:
            content[start:end] = bytes(end - start)
        case 5:  # numbers in headers
            place = int(rng.integers(min(len(content), 64)))
            content[place : place + 4] = rng.bytes(4)
    return bytes(content)


def damaged_pictures(count: int, seed: int) -> Iterator[tuple[str, bytes, bytes, bytes]]:
    """Name, damaged and sound bytes, and what was spliced in, of pictures of every kind in turn."""
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        kind, mode, options = KINDS[number % len(KINDS)]
        sound = encoded(rng, kind, mode, options)
        other = encoded(rng, *KINDS[int(rng.integers(len(KINDS)))])
        broken = sound
        for _ in range(int(rng.integers(1, 4))):
            broken = damage(broken, other, rng) or b"\0"
        yield f"{number}-{kind}-{mode}", broken, sound, other


def decode_all(count: int, seed: int) -> dict[str, Any]:
    """Decode under limits; anything but a picture or `InputError` ends the program."""
    from imet.data.images import decode_image
    from imet.io import InputError

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    result = {"read": 0, "refused": 0, "equal": 0}
    for name, broken, sound, other in damaged_pictures(count, seed):
        print(name, file=sys.stderr)
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        right = decode_image(sound, name)
        try:
            picture = decode_image(broken, name)
        except InputError as error:
            assert str(error).startswith(name)  # noqa: PT017
            result["refused"] += 1
            continue
        assert picture.dtype == np.uint8
        assert picture.ndim == 3
        assert picture.shape[2] == 3
        result["read"] += 1
        result["equal"] += int(np.array_equal(picture, right))
        png = b"\x89PNG"
        if broken.startswith(png) and not other.startswith(png):  # two PNGs may make a third
            # Its pixels have checksums, and are read as they were; its orientation may be lost.
            turned = [np.rot90(right[:, ::flip], k) for flip in (1, -1) for k in range(4)]
            assert any(np.array_equal(picture, each) for each in turned), f"{name} is misread"
    faulthandler.cancel_dump_traceback_later()
    # Not ru_maxrss, which a process takes over from the one that started it.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    result["megabytes"] = int(status.split("VmHWM:")[1].split()[0]) // 1024
    return result


# --- Tables

PLAIN = st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"))
NAMES = st.text(PLAIN, min_size=1, max_size=12)
DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16")
STYLES = ("{}", "{}.0", "0{}")


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[str, Any], bytes, bytes]:
    """A collection's content, and labels.csv and train.csv that say it in some way of many."""
    numbers = draw(st.lists(st.integers(0, 10**9), min_size=1, max_size=6, unique=True))
    names = [f"tag::{k} {draw(NAMES)}x" for k in range(len(numbers))]
    works = draw(st.lists(st.text(PLAIN, max_size=8), min_size=1, max_size=8))
    safe = ("/", "\\", "\u00a0")
    ids = [f"{k}{''.join(c for c in work if c not in safe)}x" for k, work in enumerate(works)]
    chosen = st.lists(st.sampled_from(range(len(numbers))), min_size=1, unique=True)
    labels = [sorted(draw(chosen)) for _ in ids]
    style = draw(st.sampled_from(STYLES))
    listed = draw(st.booleans())

    def one(columns: list[int]) -> str:
        texts = [style.format(numbers[k]) for k in columns]
        return f"[{', '.join(texts)}]" if listed else " ".join(texts)

    content = {"ids": ids, "numbers": numbers, "names": names, "labels": labels}
    works_table = draw(written(["id", "attribute_ids"], [[i, one(k)] for i, k in zip(ids, labels)]))
    rows = [[str(number), name] for number, name in zip(numbers, names)]
    return content, draw(written(["attribute_id", "attribute_name"], rows)), works_table


@st.composite
def written(draw: st.DrawFn, header: list[str], rows: list[list[str]]) -> bytes:
    """A table as some program writes it."""
    order = draw(st.permutations(range(3)))
    wide = [[*header, "note"], *([*row, "n"] for row in rows)]
    delimiter = draw(st.sampled_from(DELIMITERS))
    end = draw(st.sampled_from(("\n", "\r\n", "\r")))
    out = io.StringIO()
    quoting = draw(st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)))
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)
    if draw(st.booleans()):
        out.write(f"sep={delimiter}{end}")
    for row in wide:
        writer.writerow([row[k] for k in order])
        if draw(st.booleans()):
            out.write(end)
    return out.getvalue().encode(draw(st.sampled_from(ENCODINGS)))


def write_folder(root: Path, labels: bytes, works: bytes) -> Path:
    """A collection's folder without pictures."""
    (root / "train").mkdir(parents=True, exist_ok=True)
    (root / "labels.csv").write_bytes(labels)
    (root / "train.csv").write_bytes(works)
    return root


if __name__ == "__main__":
    print(json.dumps(decode_all(int(sys.argv[1]), int(sys.argv[2]))))
