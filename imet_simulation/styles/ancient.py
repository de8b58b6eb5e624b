"""Antiquity."""

from __future__ import annotations

from imet_simulation.styles.style import DARK_HAIR, OLIVE, Style, forms

ROWS = [
    Style(
        label="culture::egyptian", weight=7,
        worlds="africa ancient egypt",
        paper="#dcc08a", ink="#3a2412",
        accents=("#b5532c", "#2f7d86", "#d9a23a", "#3b6a4a", "#e9dbb4", "#7a3a22"),
        sky=("#e4cd9a", "#d9bc80"), land="#c9a566", water="#4f9096",
        ground="papyrus", technique="inked", finish="aged",
        border="lotusband", script="glyphs", dress="kilt",
        forms=forms(
            "frieze 1.7 page 2 relief 1 portrait 1 "
            "vase 1 tablet 1.5 object 1.5 landscape .7"
        ),
        body="#c9a878", skin=("#a8683c", "#95562e", "#c58a55"), hair=DARK_HAIR,
    ),
    Style(
        label="culture::greek", weight=3,
        worlds="ancient classical greek",
        paper="#e8e2d6", ink="#5a5046",
        accents=("#b8ab98", "#cfc4b2", "#9a8d7b"),
        sky=("#d9d1c4", "#e6dfd2"), land="#c4b9a8", water="#c4b9a8",
        ground="stone", technique="carved", finish="carved",
        border="meander", script="greek", dress="toga",
        forms=forms("statue 3 relief 3 coin 1.5 frieze 1.7 facade 1.5"),
        body="#e6dfd0", skin=("#ddd5c6",), hair=("#cfc6b5",),
    ),
    Style(
        label="culture::roman", weight=3,
        worlds="ancient classical",
        paper="#e6d9bf", ink="#2f2a28",
        accents=("#8c3b2a", "#4a6478", "#c99a4a", "#6f7a4f", "#efe6d0"),
        sky=("#efe4ca", "#e3d3b0"), land="#bfa878", water="#7d9aa5",
        ground="stone", technique="inked", finish="mosaic",
        border="guilloche", script="latin", dress="toga",
        forms=forms("frieze 1.1 portrait 2 seascape 1 genre 2 pattern 2 coin 1.5 stilllife 1.5"),
        body="#c9a24f", skin=OLIVE, grout="#8f8674",
    ),
    Style(
        label="culture::attic", weight=2,
        worlds="ancient classical attic",
        paper="#d2703a", ink="#171210",
        accents=("#171210", "#8c2f22", "#efe0c8"),
        sky=("#d2703a", "#d2703a"), land="#d2703a", water="#d2703a",
        ground="glaze", technique="silhouette", finish="plain",
        border="meander", script="greek", dress="toga",
        forms=forms("vase 6 dish 3 bowl 2 frieze 1.1"),
        body="#d2703a", inverse=0.4, skin=("#171210",), hair=("#171210",),
    ),
    Style(
        label="culture::assyrian", weight=0.9,
        worlds="ancient mesopotamia",
        paper="#a89a86", ink="#3a3128",
        accents=("#8a7c68", "#b8ab96", "#6a5e4e"),
        sky=("#a89a86", "#b0a28e"), land="#94866f", water="#94866f",
        ground="stone", technique="carved", finish="carved",
        border="rosettes", script="wedges", dress="robe",
        forms=forms("relief 3 frieze 1.7 tablet 4 statue 1"),
        body="#a89a86", skin=("#b0a28e",), hair=("#7a6e5c",),
    ),
    Style(
        label="culture::minoan", weight=0.9,
        worlds="ancient aegean",
        paper="#ecdcb8", ink="#3a2a24",
        accents=("#2f6f9a", "#c9603a", "#e0a850", "#8ab0b8", "#f0e6cc", "#7a3a2a"),
        sky=("#8ab8c8", "#ecdcb8"), land="#c9a070", water="#2f7fa8",
        ground="plaster", technique="painted", finish="fresco",
        border="spiral", script="greek", dress="kilt",
        forms=forms("frieze 1.7 seascape 3 vase 2 genre 1.5"),
        body="#e0c898", skin=OLIVE, hair=DARK_HAIR,
        likes={"tag::octopus": 12.0, "tag::dolphins": 8.0},
    ),
]  # fmt: skip
