"""What drives a walk: a terminal, an answers file, a scenario, a replay. They differ only in who answers."""
