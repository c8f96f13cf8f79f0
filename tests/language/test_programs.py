"""What the words of a command line say for certain, and that nothing is said of what is not."""

import time

import pytest

from runbook.language.programs import change_of, changes_of, code_among, password_among, password_in, shown_by


@pytest.mark.parametrize(
    ("line", "change"),
    [
        ("kubectl -n orders delete pod x", "kubectl delete"),
        ("kubectl rollout undo deployment/orders", "kubectl rollout undo"),
        ("sudo -n systemctl restart orders", "systemctl restart"),
        ("env A=b /usr/bin/rm x", "rm"),
        ("aws ec2 terminate-instances --instance-ids i-1", "aws terminate-instances"),
        ("gcloud run services update-traffic orders", "gcloud update-traffic"),
        ("docker compose -f a.yaml down", None),  # `a.yaml` stands between, and might be anything
        ("docker compose down", "docker compose down"),
        ("curl -X DELETE https://example.com", "curl -X DELETE"),
        ("curl --request=PUT https://example.com", "curl -X PUT"),
        ("git push origin main", "git push"),
        ("kubectl get pods delete", None),
        ("kubectl delete pod x --dry-run=server", None),
        ("kubectl rollout status deployment/orders", None),
        ("systemctl is-active restart", None),
        ("systemctl status orders", None),
        ("helm history rollback", None),
        ("gcloud run services describe update", None),
        ("aws s3 ls", None),
        ("docker exec orders rm x", None),
        ("docker run --rm curlimages/curl https://example.com", None),
        ("curl -X POST https://example.com/search", None),
        ("terraform plan", None),
        ("some-tool delete everything", None),
        ("sudo", None),
    ],
)
def test_only_what_surely_changes_something_is_called_a_change(line: str, change: str | None) -> None:
    assert change_of(line.split()) == change


def test_a_statement_on_a_command_line_is_read_too() -> None:
    assert change_of(["psql", "-h", "db", "-c", "DROP TABLE orders_old"]) == "psql -c DROP"
    assert change_of(["psql", "-c", "select 'drop table'"]) is None


@pytest.mark.parametrize(
    "script",
    [
        'tmp=$(mktemp)\ndf > "$tmp"\nrm -f "$tmp"',
        "trap 'rm -rf /var/cache/x' EXIT",
        "# rm -rf /srv",
        "echo 'kubectl delete pod x'",
        "cat <<EOF\nkubectl delete pod x\nEOF\n",
        "cat <<'EOF' | wc -l\nrm -rf /srv\nEOF\ntrue",
        "mv out.json out.old",
        "sleep 60 & kill $!",
        "kubectl get pods -o json | jq '.items[] | select(.delete)'",
        "grep 'rm -rf /' /var/log/audit/audit.log",
        'echo "a \\" ; rm -rf /srv"',
    ],
)
def test_a_script_that_only_looks_is_let_alone(script: str) -> None:
    assert list(changes_of(script)) == []


@pytest.mark.parametrize(
    ("script", "change"),
    [
        ("cd /srv && rm -rf cache", "rm"),
        ("if true; then kubectl delete pod x; fi", "kubectl delete"),
        ("x=$(kubectl delete pod x)", "kubectl delete"),
        ("cat list | xargs true\nsystemctl \\\n  restart orders", "systemctl restart"),
        ("LANG=C psql -c 'delete from orders'", "psql -c DELETE"),
    ],
)
def test_a_script_that_surely_changes_something_is_found(script: str, change: str) -> None:
    assert [found for found, _ in changes_of(script)] == [change]


@pytest.mark.parametrize(
    ("script", "shown"),
    [
        ('curl -H "Authorization: Bearer $TOKEN" https://example.com', "curl"),
        ("/usr/bin/psql postgres://app:${TOKEN}@db/orders", "psql"),
        ("orders --token=$TOKEN list", "orders"),
        ('echo "$TOKEN" | docker login --password-stdin', None),
        ('curl -H @- https://example.com <<< "Authorization: Bearer $TOKEN"', None),
        ('PGPASSWORD="$TOKEN" psql -h db', None),
        ('[ -n "$TOKEN" ] && test "$TOKEN" != x', None),
        ('[[ "$TOKEN" == a* ]] || exit 1', None),
        ("curl -H 'Bearer $TOKEN' https://example.com", None),
        ('curl -H "Bearer \\$TOKEN" https://example.com', None),
        ("curl ${TOKEN:+--netrc} https://example.com", None),
        ('curl -H "X: $TOKENS" https://example.com', None),
        ('ask() { echo "$1"; }\nask "$TOKEN"', None),
        ('cat > "/run/$TOKEN"', None),
        ("curl https://example.com <<EOF\n$TOKEN\nEOF", None),
    ],
)
def test_a_secret_in_an_argument_of_a_program_is_found_and_nothing_else(script: str, shown: str | None) -> None:
    assert [program for _, program, _ in shown_by(script, ["TOKEN"])] == ([shown] if shown else [])


@pytest.mark.parametrize(
    ("argv", "place"),
    [
        (["sh", "-c", "x"], 2),
        (["bash", "-euo", "pipefail", "-c", "x"], 4),
        (["kubectl", "exec", "db-0", "--", "/bin/sh", "-ec", "x"], 6),
        (["python3", "-c", "x"], 2),
        (["node", "--eval", "x"], 2),
        (["bash", "run.sh", "-c", "x"], None),
        (["python3", "-m", "orders", "-c", "x"], None),
        (["sh", "-c"], None),
        (["psql", "-c", "x"], None),
    ],
)
def test_what_a_shell_is_told_to_run_is_found(argv: list[str], place: int | None) -> None:
    found = code_among(argv)
    assert (found[1] if found else None) == place


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("mysql --password=kestrel-44 -h db", 1),
        ("mysql --password kestrel-44", 2),
        ("curl -u ana:kestrel https://example.com", 2),
        ("kubectl --token=abcdef get pods", 1),
        ("mysql --password=$PASSWORD", None),
        ("tool --token <your-token>", None),
        ("tool --token TOKEN", None),
        ("etcd --initial-cluster-token etcd-cluster-1", None),
        ("curl -u ana: https://example.com", None),
        ("gcloud secrets versions access latest --secret=orders", None),
        ("tool --token-file=/run/token", None),
        ("docker login --password-stdin", None),
    ],
)
def test_a_password_that_is_written_out_is_found(line: str, place: int | None) -> None:
    assert password_among(line.split()) == place


@pytest.mark.parametrize(
    "script",
    [
        "\n" * 200_000,
        "'" * 200_000,
        '"\\' * 100_000,
        "<<a " * 20_000 + "\n" + "a\n" * 20_000,
        "$(" * 50_000,
        "rm x\n" * 20_000,
        "a" * 200_000,
    ],
    ids=lambda script: repr(script[:6]),
)
def test_a_script_made_to_exhaust_its_reader_does_not(script: str) -> None:
    began = time.process_time()
    assert list(changes_of(script)) == []
    assert list(shown_by(script, ["TOKEN"])) == []
    assert password_in(script) is None
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("export DB_PASSWORD='kestrel-9'\npsql\n", True),
        ("AWS_SECRET_ACCESS_KEY=kestrel/9 aws s3 ls\n", True),
        ("echo a && PGPASSWORD=kestrel psql\n", True),
        ('export DB_PASSWORD=$1 PGPASSWORD="$(cat p)" MYPASSWORD=`cat p`\n', False),
        ("DB_PASSWORD=<PASSWORD> SET_PASSWORD=true NEW_PASSWORD= psql\n", False),
    ],
)
def test_a_password_that_a_variable_is_set_to_is_seen(script: str, found: bool) -> None:
    assert (password_in(script) is not None) is found
