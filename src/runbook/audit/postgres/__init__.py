"""A store in PostgreSQL, for teams; loaded only where one is named."""
