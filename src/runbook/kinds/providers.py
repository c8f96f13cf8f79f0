"""Who serves revisions, as data: the commands of a provider's own client, and where in their JSON the answers are.

Every provider is a :class:`Provider`, and ``provider: custom`` writes one in the runbook. In the elements of an
``argv``, ``{service}``, ``{revision}`` and ``{handle}`` stand for those texts; an element stays one element, whatever
is put in. Paths are those of :mod:`runbook.kinds.json_paths`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runbook.kinds import releases
from runbook.kinds.json_paths import PATH
from runbook.model import fragments
from runbook.model.canonical import JsonObject
from runbook.model.kind import Observed, Variant
from runbook.model.machine import HOST_AS_WRITTEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The command that lists revisions, and where in its answer what is.

    ``items`` leads to the elements, one a revision; the other paths start at an element. ``served`` finds something
    in a revision that may be gone back to; without it that is every one. ``serving`` finds something in a revision
    that serves. ``order`` is what newer ones have more of (default: ``created``; without either the command lists
    the newest first). ``handle`` is what activating wants in place of the id.
    """

    argv: Sequence[str]
    items: str = ""
    id: str = "id"
    created: str | None = None
    order: str | None = None
    author: str | None = None
    commit: str | None = None
    served: str | None = None
    serving: str | None = None
    handle: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """The command that tells which revisions serve, and where in its answer their ids are."""

    argv: Sequence[str]
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """How to list revisions, to see which serve, and to make one serve.

    ``serving`` None: the list tells it. ``options``: what a field of the step adds to each command. ``install``: what
    to do where the client is missing. ``script``: what the script in ``activate`` does, in words for a person.
    """

    list: Listing
    activate: Sequence[str]
    serving: Serving | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    install: str = "install it, or look at PATH"
    script: str = ""


_GCLOUD = ("gcloud", "run")
_KUBECTL_OWNED = 'jsonpath-as-json={.items[?(@.metadata.ownerReferences[*].name=="{service}")]}'

PROVIDERS: Mapping[str, Provider] = {
    "cloud_run": Provider(
        list=Listing(
            argv=(*_GCLOUD, "revisions", "list", "--service={service}", "--format=json", "--quiet"),
            id="metadata.name",
            created="metadata.creationTimestamp",
            author='metadata.annotations."serving.knative.dev/creator"',
            commit="metadata.labels.commit-sha",
            served="status.conditions[type=Ready][status=True]",
        ),
        serving=Serving(
            argv=(*_GCLOUD, "services", "describe", "{service}", "--format=json", "--quiet"),
            id="status.traffic[percent].revisionName",
        ),
        activate=(*_GCLOUD, "services", "update-traffic", "{service}", "--to-revisions={revision}=100", "--quiet"),
        options={"project": "--project={project}", "region": "--region={region}"},
        install="install the Google Cloud CLI and run `gcloud auth login`",
    ),
    "vercel": Provider(
        list=Listing(
            argv=("vercel", "list", "{service}", "--environment=production", "--status=READY", "--format=json"),
            items="deployments",
            id="url",
            created="createdAt",
            author="creator.username",
            commit="meta.githubCommitSha",
        ),
        serving=Serving(argv=("vercel", "api", "/v9/projects/{service}", "--raw"), id="targets.production.url"),
        activate=("vercel", "promote", "{revision}", "--yes"),
        options={"scope": "--scope={scope}"},
        install="install it with `npm install --global vercel` and run `vercel login`",
    ),
    "kubernetes": Provider(
        list=Listing(
            argv=("kubectl", "get", "replicasets", f"--output={_KUBECTL_OWNED}"),
            items="[*]",
            id="metadata.name",
            created="metadata.creationTimestamp",
            order='metadata.annotations."deployment.kubernetes.io/revision"',
            commit="spec.template.spec.containers[0].image",
            serving="status.readyReplicas",
            handle='metadata.annotations."deployment.kubernetes.io/revision"',
        ),
        activate=("kubectl", "rollout", "undo", "deployment/{service}", "--to-revision={handle}"),
        options={"namespace": "--namespace={namespace}", "context": "--context={context}"},
        install="install kubectl and point KUBECONFIG to the cluster",
    ),
    "releases": Provider(
        list=Listing(
            argv=("sh", "-c", releases.LIST, "list", "{service}"),
            items="releases[*]",
            id="name",
            created="made",
            author="author",
            commit="commit",
            served="[complete]",
        ),
        serving=Serving(argv=("sh", "-c", releases.LIST, "list", "{service}"), id="current"),
        activate=("sh", "-c", releases.ACTIVATE, "activate", "{service}", "{revision}"),
        install="a POSIX shell is needed",
        script="SCRIPT makes the link `current` there lead to `releases/{revision}`, by one rename",
    ),
}
"""The providers of this package, by name."""

_REMOTE = frozenset({"host", "transport"})


def _path(text: str) -> JsonObject:
    return fragments.text(text, pattern=PATH)


def _argv(text: str) -> JsonObject:
    return fragments.texts(text, minimum=1)


FIELDS: dict[str, JsonObject] = {
    "provider": fragments.enumeration("Who serves the revisions.", *PROVIDERS, "custom"),
    "service": fragments.text(
        "The service, deployment or project, as the provider names it; with `releases` the directory."
    ),
    "project": fragments.text("The project of the cloud (cloud_run); default: that of gcloud's own configuration."),
    "region": fragments.text("The region (cloud_run); default: that of gcloud's own configuration."),
    "scope": fragments.text("The team (vercel); default: that of the login."),
    "namespace": fragments.text("The namespace (kubernetes); default: that of kubectl's context."),
    "context": fragments.text("The context of kubectl's configuration (kubernetes); default: its current one."),
    "host": fragments.text(
        "The machine on which the commands are run, over ssh (releases, custom); default: this one.",
        pattern=HOST_AS_WRITTEN,
    ),
    "transport": fragments.enumeration(
        "What connects to `host`: the built-in client, or this machine's own ssh.",
        "paramiko",
        "openssh",
        default="paramiko",
    ),
    "list_": fragments.closed(
        "How to list the revisions (custom): a command that prints JSON, and where in it what is.",
        ["argv"],
        argv=_argv("The command and its arguments; `{service}` in one stands for the service."),
        items=_path("Where its elements are, such as `data.items[state=ready]`; default: the answer is the list."),
        id=_path("Where in an element its id is; default: `id`."),
        created=_path("Where its time is: RFC 3339, or seconds or milliseconds since 1970."),
        order=_path("Where a number is that newer ones have more of; default: `created`."),
        author=_path("Where its author is."),
        commit=_path("Where its commit is."),
        served=_path("What is found only in revisions that served before; default: all did."),
        serving=_path("What is found only in revisions that serve now."),
        handle=_path("Where the text is that `{handle}` stands for in `activate`."),
    ),
    "serving": fragments.closed(
        "How to see which revision serves (custom), where the list does not tell.",
        ["argv", "id"],
        argv=_argv("The command and its arguments."),
        id=_path("Where in its answer the id is."),
    ),
}
"""The pieces of schema of the fields that both kinds have."""


def variants(*custom: str) -> Mapping[str, Mapping[str, Variant]]:
    """Which fields each provider knows and needs; ``custom`` are those that only that one needs."""
    named = {name: Variant(knows=frozenset(provider.options)) for name, provider in PROVIDERS.items()}
    named["releases"] = Variant(knows=_REMOTE)
    needs = frozenset({"list", *custom})
    return {"provider": {**named, "custom": Variant(knows=needs | _REMOTE | {"serving"}, needs=needs)}}


OBSERVES: Mapping[str, Observed] = {
    "current": Observed(type="string", text="The revision that serves, the newest if several do; empty if none does."),
    "previous": Observed(
        type="string", text="The newest older one that served before, as far as the provider knows; empty if none did."
    ),
}
"""What both observe."""
