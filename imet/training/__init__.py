"""Training: one visible loop, its schedules and its checkpoints."""
