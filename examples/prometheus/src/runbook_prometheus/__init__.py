"""The kind ``prometheus``: the value of a query, brought to ``runbook`` by a package of its own."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.io import HttpRequest, Io, WorldError
from runbook.model.kind import Automated, Observed, Preview, Traits, Verdict
from runbook.model.runbook import Effect, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Prometheus(Automated):
    """Asks Prometheus for the value of a query that yields one number.

    Use it to look at an error rate or a latency before and after a change. The step passes when the query yields
    exactly one series with a finite value, and its ``expect`` holds. No series is a failure: silence is not health.

    For example::

        kind: prometheus
        url: https://prometheus.example.com
        query: sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))
        expect: value < 0.01
    """

    url: str
    query: str

    NAME: ClassVar[str] = "prometheus"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(
        ["url", "query"],
        url=fragments.text("Where Prometheus is.", examples=["https://prometheus.example.com"]),
        query=fragments.text("A PromQL query that yields one series."),
    )
    TRAITS: ClassVar[Traits] = Traits(effect=Effect.NONE, timeout=10_000)
    OBSERVES: ClassVar[Mapping[str, Observed]] = {
        "value": Observed(type="double", text="The value, where there is exactly one series.", always=False),
        "series": Observed(type="int", text="How many series the query yielded."),
        "refusal": Observed(type="string", text="What Prometheus said in place of an answer; empty where it answered."),
    }
    EXAMPLES: ClassVar[tuple[JsonObject, ...]] = (
        {
            "id": "error_rate",
            "title": "Fewer than one request of a hundred fails",
            "kind": "prometheus",
            "url": "https://prometheus.example.com",
            "query": 'sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))',
            "expect": "value < 0.01",
        },
    )

    def preview(self) -> Preview:
        """The query and whom it is put to."""
        return Preview(line=f"ask {self.url}", detail=self.query)

    def perform(self, io: Io) -> JsonObject:
        """Put the query; what Prometheus refuses is an observation, what never arrives is not."""
        request = HttpRequest(method="GET", url=f"{self.url.rstrip('/')}/api/v1/query", query={"query": self.query})
        response = io.http(request)
        try:
            answer = json.loads(response.text)
            if answer["status"] != "success":
                return {"series": 0, "refusal": str(answer.get("error", "no reason given"))}
            result = answer["data"]["result"]
            values = [float(one["value"][1]) for one in result] if isinstance(result[:1], list) else []
        except (ValueError, KeyError, TypeError, IndexError) as error:
            message = f"status {response.status}, and no answer of Prometheus: {type(error).__name__}"
            raise WorldError(message, "look whether the address is right") from error
        found: JsonObject = {"series": len(values), "refusal": ""}
        return {**found, "value": values[0]} if len(values) == 1 and math.isfinite(values[0]) else found

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """One series, with a value."""
        if observation["refusal"]:
            return Verdict(outcome=Outcome.FAILED, reason=f"Prometheus: {observation['refusal']}")
        if observation["series"] != 1:
            return Verdict(outcome=Outcome.FAILED, reason=f"the query yields {observation['series']} series, not one")
        if "value" not in observation:
            return Verdict(outcome=Outcome.FAILED, reason="the value is not a number")
        return Verdict(outcome=Outcome.PASSED)
