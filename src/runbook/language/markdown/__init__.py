"""From a Markdown document to the draft of a runbook: read into blocks, decided on one by one, written as YAML."""
