"""Download collections from where they are published."""
