"""A download killed at ten random moments ends, byte for byte, in the folder of a calm one."""

from __future__ import annotations

from pathlib import Path

import pytest
from museum import contents, killed_downloads, open_museum

from imet.download.met import download
from imet.download.polite import Polite

WORKS, KILLS = 20, 10
pytestmark = pytest.mark.slow


def test_a_download_killed_at_ten_moments_ends_in_the_same_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_museum() as museum:
        monkeypatch.setenv("IMET_MET_API", museum.url)
        monkeypatch.setenv("IMET_MET_TABLE", f"{museum.url}/table.csv")
        whole, killed = tmp_path / "whole", tmp_path / "killed"
        download(whole, works=WORKS, polite=Polite(0), progress=False)
        museum.asked.clear()
        at_work = killed_downloads(museum, killed, WORKS, KILLS, seed=231)
        assert at_work >= KILLS - 1  # the last may come too late
        download(killed, works=WORKS, polite=Polite(0), progress=False)
        assert contents(killed) == contents(whole)
        assert max(museum.asked.values()) <= 1 + KILLS  # what was there was not fetched again
        assert sum(museum.asked.values()) <= len(museum.asked) + KILLS
