"""The worlds that run compiled processes: each imports the core, never one another."""
