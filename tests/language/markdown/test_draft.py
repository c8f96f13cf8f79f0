"""Each sort of block becomes what a person would make of it, in the order of the document."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from tests.language.markdown.kept import lost

from runbook.language.markdown.draft import draft_of
from runbook.language.source import parse
from runbook.model.diagnostics import Refused


def made(document: str) -> Any:  # noqa: ANN401 - the data of a file
    """The data of a document's draft, of which nothing is lost."""
    text = draft_of(document, "page").text
    assert lost(document, text) == []
    return parse(text, "page.yaml").data


def steps(document: str) -> Sequence[Mapping[str, Any]]:
    """The steps of a document's draft but for its end."""
    return list(made(document)["steps"])[:-1]


def brief(document: str) -> list[str]:
    """The kind and the title of each step but for the end."""
    return [f"{step['kind']}: {step['title']}" for step in steps(document)]


def test_a_fenced_command_is_a_step_whose_effect_is_left_to_the_author() -> None:
    document = "# T\n\n## Look\n\nList the pods:\n\n```bash\nkubectl get pods \n\n\tx\n```\n"
    draft = draft_of(document, "page")
    assert steps(document) == [
        {"id": "list_the_pods", "section": "Look", "title": "List the pods", "kind": "command",
         "script": "kubectl get pods \n\n\tx\n"},
    ]  # fmt: skip
    assert "    # decide: effect: none, change or irreversible\n    script: |\n" in draft.text
    assert [(note.first, note.last, note.step, note.decide) for note in draft.notes if note.decide] == [
        (7, 11, "list_the_pods", "effect")
    ]


@pytest.mark.parametrize(
    ("code", "info", "script"),
    [
        ("kubectl get pods", "", "kubectl get pods\n"),
        ("sudo -u app ./mend.sh", "", "sudo -u app ./mend.sh\n"),
        ("A=b systemctl restart api", "", "A=b systemctl restart api\n"),
        ("$ ls -l\ntotal 0\n$ echo \\\n  b", "console", "ls -l\necho \\\n  b\n"),
        ("ana@host:~$ uptime\n 10:00 up", "", "uptime\n"),
        ("whatever it is", "bash", "whatever it is\n"),
        ("total 0", "", None),
        ("key: value", "yaml", None),
        ("select 1", "sql", None),
        ("date of the incident", "", None),
        ("Error: it failed --now", "", None),
        ("", "bash", None),
    ],
)
def test_code_is_commands_or_something_to_read(code: str, info: str, script: str | None) -> None:
    made_of = steps(f"# T\n\nDo it.\n\n```{info}\n{code}\n```\n\n- [ ] done\n")
    assert [step["script"] for step in made_of if step["kind"] == "command"] == [script] * (script is not None)


def test_what_commands_print_stands_in_their_step() -> None:
    document = "# T\n\nRun:\n\n```sh\nls\n```\n\nThe output looks like:\n\n```\ntotal 0\n```\n\nThen stop.\n"
    assert brief(document) == ["command: Run", "manual: Then stop."]
    assert steps(document)[0]["description"] == "The output looks like:\n\n```\ntotal 0\n```\n"


def test_placeholders_become_inputs_and_secrets_and_their_texts_stay() -> None:
    code = "curl -u 'x:<TOKEN>' your-domain.com $POD\n"
    document = f"# T\n\n1. Open https://your-domain.com as <YOUR NAME>.\n\n```sh\n{code}```\n"
    data = made(document)
    assert list(data["inputs"]) == ["domain", "your_name", "pod"]
    assert data["secrets"] == {"token": {"env": "TOKEN"}}
    manual, command = data["steps"][:2]
    assert manual["instructions"].endswith(
        "\n\n- `your-domain.com` is ${{ inputs.domain }}\n- `<YOUR NAME>` is ${{ inputs.your_name }}\n"
    )
    assert command["script"] == "curl -u 'x:'\"$TOKEN\"'' \"$DOMAIN\" $POD\n"
    assert command["env"] == {
        "TOKEN": "${{ secrets.token }}", "DOMAIN": "${{ inputs.domain }}", "POD": "${{ inputs.pod }}",
    }  # fmt: skip
    assert code in command["description"]


def test_a_placeholder_where_no_value_can_be_put_leaves_the_code_to_a_person() -> None:
    document = "# T\n\n```sh\ncat <<'E'\n<NAME>\nE\n```\n\n```sh\necho \"${{ github.run(1) }}\"\n```\n"
    first, second = steps(document)
    assert {first["kind"], second["kind"]} == {"manual"}
    assert '${{ "${{" }} github.run(1) }}' in second["instructions"]


def test_a_table_of_cases_is_a_choice_that_leads_to_what_is_to_be_done() -> None:
    table = "| If | Then |\n|--|--|\n| it is `slow` | Call Ana |\n| it is down | Restart it |"
    document = f"# T\n\n## Find out\n\n{table}\n\nGo on.\n"
    choice, call, restart, go_on = steps(document)
    assert choice["title"] == "If · Then"
    assert choice["options"] == [
        {"id": "it_is_slow", "label": "it is slow", "help": "Call Ana", "next": call["id"]},
        {"id": "it_is_down", "label": "it is down", "help": "Restart it", "next": restart["id"]},
    ]
    assert [call["next"], restart["next"]] == [go_on["id"]] * 2
    assert "effect" not in call


@pytest.mark.parametrize(
    ("heading", "table", "contacts"),
    [
        ("Contacts", "| Who | Phone |\n|-|-|\n| Ana | 1 |", [{"name": "Ana", "reach": "1"}]),
        (
            "Escalation",
            "| Level | Team | Contact | When |\n|-|-|-|-|\n| 1 | Ops | #ops | first |\n| 2 | | | |",
            [{"name": "1 · Ops", "reach": "#ops", "when": "When: first"}],
        ),
        (
            "People",
            "| Name | Slack | Email |\n|-|-|-|\n| Ben | @ben | b@example.com |",
            [{"name": "Ben", "reach": "Slack @ben, Email b@example.com"}],
        ),
        ("Sizes", "| Name | Size |\n|-|-|\n| a | 1 |", None),
    ],
)
def test_a_table_of_people_becomes_contacts(heading: str, table: str, contacts: object) -> None:
    assert made(f"# T\n\n## {heading}\n\n{table}\n\n## Do\n\nIt.\n").get("contacts") == contacts


def test_checkboxes_become_checklists_between_which_commands_stand() -> None:
    items = (
        "- [ ] It **works**\n- [x] Nobody calls\n  - not by chat\n- [ ] Gone:\n\n  ```sh\n  ls x\n  ```\n- [ ] End\n"
    )
    document = f"# T\n\n## After\n\n{items}"
    first, command, last = steps(document)
    assert [item["title"] for item in first["items"]] == ["It **works**", "Nobody calls\n- not by chat", "Gone:"]
    assert first["items"][0]["id"] == "it_works"
    assert (command["kind"], command["script"]) == ("command", "ls x\n")
    assert [item["id"] for item in last["items"]] == ["end"]


def test_ordered_lists_keep_their_order_and_nested_ones_become_steps_or_text() -> None:
    nested = "   1. first\n\n      ```sh\n      ls\n      ```\n   2. second\n"
    forgotten = "3. Three:\n```sh\ndf -h\n```\n4. Four\n"
    document = f"# T\n\nDo:\n\n1. One\n   - with this\n2. Two\n{nested}{forgotten}"
    assert brief(document) == ["manual: One", "command: first", "manual: second", "command: Three", "manual: Four"]
    one, first, *_ = steps(document)
    assert (one["description"], one["instructions"]) == ("Do:", "One\n- with this\n")
    assert first["description"] == "Two\n\nfirst\n"


def test_what_is_said_about_the_runbook_stands_in_its_description() -> None:
    told = "Above.\n\n# T\n\nIntro.\n\n## Meaning\n\nIt is [down][d].\n\n"
    links = "- [A](https://example.com/a)\n\n[d]: https://example.com/d\n"
    data = made(f"{told}## Do\n\nIt.\n\n## References\n\n{links}")
    assert data["title"] == "T"
    assert data["description"].startswith(
        "Above.\n\nIntro.\n\n## Meaning\n\nIt is [down][d].\n\n[d]: https://example.com/d\n"
    )
    assert data["links"] == [{"title": "A", "url": "https://example.com/a"}]
    assert [step["title"] for step in data["steps"]] == ["Do", "Done"]


def test_front_matter_is_kept_and_read_where_it_can_be() -> None:
    data = made("---\ntitle: Rotate\nowner: ops\ntags: [a, b]\nweight: 20\n---\n\nDo it.\n")
    assert (data["title"], data["owner"], data["tags"]) == ("Rotate", "ops", ["a", "b"])
    assert data["description"] == "```yaml\ntitle: Rotate\nowner: ops\ntags: [a, b]\nweight: 20\n```\n"
    assert made("---\ntitle: [broken\n---\nDo it.\n")["title"] == "page"
    assert made("+++\ntitle = 'x'\n+++\nDo it.\n")["description"].startswith("```toml\n")
    assert made("---\nA text between two rules\n---\n")["steps"][0]["kind"] == "manual"


def test_ids_are_unique_and_can_be_had_of_anything() -> None:
    document = "# 🚨\n\n" + "".join(
        f"## {heading}\n\nx\n\n" for heading in ["Stop", "Stop", "🚨", "再起動", "3. Über", "next", "in"]
    )
    data = made(document)
    assert data["id"] == "page"
    assert [step["id"] for step in data["steps"]] == [
        "stop",
        "stop_2",
        "step",
        "step_2",
        "step_3_uber",
        "next_2",
        "in_2",
        "done",
    ]


@pytest.mark.parametrize(
    "document",
    [
        "# Only a title\n",
        "<!-- only a comment -->\n",
        "# T\n\n## Empty\n\n## Overview\n",
        "## Overview\n\nAll there is.\n",
        "[a]: https://example.com\n",
        "\ufeff# T\r\n\r\n1. a\r\n2. b\r\n",
        "```sh\nnever closed\n",
        "~~~bash\nls\n~~~\n\n    df -h\n\nSetext\n======\n\ntext[^1]\n\n[^1]: note\n",
        "> > ```sh\n> > ls\n> > ```\n> quoted\nlazy\n",
        "- " * 40 + "deep\n",
        "> " * 60 + "deep\n",
        "| a | b |\n|-|-|\n| 1 | 2 | 3 lost? |\n",
        "| if | then |\n|-|-|\n| 1 | 2 | 3 lost? |\n| 1 | 2 |\n",
        "a\u202eb\u200bc\x1b[31m\x00d\u2028e\n",
        "<details>\n<summary>S</summary>\n\n```sh\nls\n```\n\n</details>\n",
        "${{ a }} ${{ \n\n1. ${{ unclosed\n\n- [ ] ${{ b }}\n\n## ${{ c }}\n\n```sh\necho '${{ d }}\n```\n",
    ],
)
def test_strange_documents_are_drafts_too(document: str) -> None:
    assert made(document)["steps"][-1]["kind"] == "finish"


def test_a_draft_that_no_runbook_could_be_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        draft_of("1. do it\n" * 20_000, "page", "page.md")
    assert [(found.code.number, found.file) for found in refused.value.diagnostics] == [("RB384", "page.md")]


def test_a_quotation_keeps_its_signs_so_that_a_warning_is_shown_as_one() -> None:
    warning = "> [!WARNING]\n> Do **not** restart all pods.\n>\n> > Really.\n"
    assert made(f"# T\n\n{warning}\n1. a\n")["description"] == warning
    [step] = steps(f"# T\n\n## Now\n\n- [ ] sessions are drained\n  {warning.replace(chr(10), chr(10) + '  ')}")
    assert step["items"][0]["title"].split("\n\n", 1)[1] == warning.rstrip("\n")


@pytest.mark.parametrize(
    ("block", "title"),
    [
        ("> [!TIP]\n> Ask Bob.", "[!TIP] Ask Bob."),
        ("```\n\nsh-4.2# whoami <name>\nroot\n```", "sh-4.2# whoami <name>"),
        ("| 条件 | 対応 |\n|---|---|\n| a | b |", "条件 · 対応"),
    ],
)
def test_a_step_without_a_sentence_is_named_after_its_first_words(block: str, title: str) -> None:
    assert brief(f"# T\n\n1. a\n\n## S\n\n```bash\nls\n```\n\n---\n\n{block}\n")[2:] == [f"manual: {title}"]


def test_in_a_table_of_an_escalation_the_time_is_not_how_somebody_is_reached() -> None:
    table = "| Who | When | How |\n|---|---|---|\n| Ana | after 15 min | +1 555 0100 |\n| Ben | | @ben |\n"
    assert made(f"# T\n\n1. a\n\n## Escalation\n\n{table}")["contacts"] == [
        {"name": "Ana", "reach": "+1 555 0100", "when": "When: after 15 min"},
        {"name": "Ben", "reach": "@ben"},
    ]


def test_a_draft_says_that_it_is_refused_only_where_it_is() -> None:
    assert "`runbook check` refuses it" in draft_of("1. a\n", "page").text
    assert "`runbook check` refuses it" not in draft_of("# T\n\n- [ ] a\n- [ ] b\n", "page").text


def test_a_wide_blank_is_written_as_it_stands() -> None:
    said = 'description: "Étape 1\u00a0: vérifier\u3000ログ"\n'
    assert said in draft_of("Étape 1\u00a0: vérifier\u3000ログ\n\n1. a\n", "page").text
