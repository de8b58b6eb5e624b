"""Collections from where they are published."""
