"""The world outside: the real one, and the scripted one of drills and tests. Nothing here decides what is legal."""
