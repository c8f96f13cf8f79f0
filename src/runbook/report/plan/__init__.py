"""A runbook as it is read before it is walked: as text, Markdown, Mermaid, a picture and a page."""
