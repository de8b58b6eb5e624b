"""What a part of a collection holds, as a short digest: part of every key."""

from __future__ import annotations

import os

from imet.data.dataset import Part
from imet.io import InputError, digest

SAMPLE = 4096
"""Bytes read from each end of a picture. A PNG ends in the checksums of its pixels, so any change
to a picture changes its last bytes, its first ones or its size; reading whole pictures would cost
minutes on the full collection."""


def pictures_fingerprint(part: Part) -> str:
    """Digest of a part's ids and pictures; `InputError` names a picture that is missing."""
    found = []
    for row in part.rows:
        path = part.collection.path(int(row))
        try:
            with open(path, "rb") as handle:
                head = handle.read(SAMPLE)
                size = os.fstat(handle.fileno()).st_size
                handle.seek(max(0, size - SAMPLE))
                found.append(digest(str(part.collection.ids[row]), size, head, handle.read()))
        except OSError as error:
            raise InputError(
                f"{path}: {error.strerror} (row {int(row) + 2} of train.csv names it); run "
                f"`imet data check {part.collection.root}` for all problems of the folder"
            ) from error
    return digest(*found)


def labels_fingerprint(part: Part) -> str:
    """Digest of a part's labels and their names."""
    names = [part.collection.labels.names[k] for k in part.columns]
    return digest(names, part.targets.tobytes())
