"""From a log to the incident report: what a log says as data, and that data as Markdown or JSON.

The report is made from the log and the runbook beside it and nothing else: no clock, no world. The same log gives the
same bytes.
"""
