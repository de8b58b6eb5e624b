"""A reproducible report on multi-label classification of Metropolitan Museum artworks."""

__version__ = "0.1.0"
