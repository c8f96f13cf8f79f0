"""What people write who know other tools, and what it is called here: keys, kinds and words.

Each word has what it may mean, most likely first and apart by blanks; where two are as likely, a bar joins them. Only
what can stand at the place counts, so one table serves every mapping.
"""

from collections.abc import Collection, Mapping

from runbook.language.near import nearest

_KEYS = {
    "action": "kind", "type": "kind", "uses": "kind", "module": "kind",
    "name": "id title label", "key": "id", "label": "title", "heading": "title", "summary": "title description",
    "desc": "description", "notes": "description help", "note": "description help", "doc": "description",
    "text": "instructions question label", "steps": "instructions", "instruction": "instructions",
    "how": "instructions", "todo": "instructions", "body": "instructions text", "content": "text body",
    "message": "text question instructions", "msg": "text question", "prompt": "question instructions label",
    "ask": "question", "question": "title label", "confirmation": "confirm question",
    "approval": "confirm", "approvals": "confirm",
    "to": "audience next", "recipients": "audience", "channel": "audience", "url": "webhook", "hook": "webhook",
    "cmd": "argv|script", "command": "argv|script", "commands": "script", "run": "argv|script", "exec": "argv|script",
    "shell": "script", "bash": "script", "args": "argv", "program": "argv", "sh": "script",
    "dir": "cwd", "directory": "cwd", "workdir": "cwd", "working_directory": "cwd", "chdir": "cwd",
    "input": "stdin inputs", "vars": "env inputs", "environment": "env environments", "env": "environments",
    "envs": "environments", "variables": "env inputs environments", "parameters": "inputs query params",
    "params": "query inputs", "uri": "url", "endpoint": "url", "href": "url", "address": "url", "link": "url",
    "verb": "method", "data": "json|body", "payload": "json|body text", "token": "auth",
    "choices": "options", "answers": "options items", "cases": "options", "branches": "options", "select": "options",
    "checks": "items", "checklist": "items", "list": "items", "tasks": "items steps",
    "goto": "next", "go_to": "next", "then": "next", "on_success": "next", "on_pass": "next", "on_ok": "next",
    "success": "next", "target": "next", "on_failure": "on_fail", "on_error": "on_fail", "failure": "on_fail",
    "else": "on_fail otherwise", "catch": "on_fail", "rescue": "on_fail", "default": "otherwise",
    "depends_on": "needs", "requires": "needs", "require": "needs", "dependencies": "needs",
    "if": "when", "only_if": "when", "condition": "when that", "unless": "when", "check": "expect that",
    "assert": "that expect", "assertion": "that expect", "test": "that expect", "expected": "expect",
    "verify": "expect", "expression": "that", "expr": "that", "validate": "pattern",
    "retries": "retry", "attempts": "retry", "tries": "retry", "count": "attempts", "max": "attempts",
    "interval": "every delay", "period": "every", "poll": "every", "wait": "for delay", "sleep": "for",
    "seconds": "for", "duration": "for", "time": "for", "delay": "for every", "limit": "timeout",
    "rollback": "undo", "revert": "undo", "restore": "undo", "risk": "effect", "impact": "effect",
    "reason": "because", "loop": "for_each", "foreach": "for_each", "with_items": "for_each", "each": "for_each",
    "register": "save", "export": "save", "outputs": "save", "set": "save", "status": "outcome", "result": "outcome",
    "state": "outcome", "version": "runbook", "apiversion": "runbook", "api_version": "runbook",
    "author": "owner", "team": "owner", "labels": "tags", "urls": "links", "people": "contacts",
    "credentials": "secrets", "regex": "pattern", "enum_values": "enum", "values": "enum", "allowed": "enum",
}  # fmt: skip
_KINDS = {
    "shell": "command", "bash": "command", "sh": "command", "script": "command", "exec": "command", "run": "command",
    "cmd": "command", "local": "command", "kubectl": "command", "rest": "http", "request": "http", "curl": "http",
    "api": "http", "get": "http", "https": "http", "webhook": "http message", "question": "gate ask",
    "input": "ask", "form": "ask", "prompt": "ask", "approval": "gate", "approve": "gate", "confirm": "gate",
    "confirmation": "gate", "end": "finish", "stop": "finish", "exit": "finish", "done": "finish", "result": "finish",
    "task": "manual", "human": "manual", "instruction": "manual", "instructions": "manual", "note": "manual",
    "step": "manual", "sleep": "wait", "pause": "wait", "delay": "wait", "poll": "wait", "slack": "message",
    "notify": "message", "notification": "message", "email": "message", "mail": "message", "say": "message",
    "branch": "choice", "decision": "choice", "switch": "choice", "if": "choice", "condition": "choice assert",
    "select": "choice", "check": "checklist", "verify": "assert", "postgres": "sql", "psql": "sql", "sqlite": "sql",
    "query": "sql", "database": "sql", "remote": "ssh", "variables": "env", "envvars": "env", "environment": "env",
    "include": "runbook", "call": "runbook", "group": "parallel", "deploy": "activate", "rollback": "activate",
    "roll_back": "activate", "revert": "undo",
}  # fmt: skip
_WORDS = {
    "success": "resolved", "succeeded": "resolved", "ok": "resolved", "done": "resolved", "fixed": "resolved",
    "passed": "resolved", "complete": "completed", "fail": "failed", "failure": "failed", "error": "failed",
    "escalate": "escalated", "abort": "aborted", "cancelled": "aborted", "read": "none", "readonly": "none",
    "read_only": "none", "no": "none", "false": "none", "nothing": "none", "write": "change", "yes": "change",
    "true": "change", "mutate": "change", "destructive": "irreversible", "delete": "irreversible",
    "int": "integer", "float": "number", "double": "number", "bool": "boolean", "str": "string", "text": "string",
    "date": "timestamp", "datetime": "timestamp", "time": "timestamp", "array": "list", "enum": "string",
    "uri": "url", "1": "v1", "1.0": "v1",
}  # fmt: skip


def key_meant(key: str, known: Collection[str], taken: Collection[str] = ()) -> tuple[str, ...]:
    """The keys that somebody may have meant by one that does not exist; empty if nothing is near.

    :param taken: the keys that are written beside it: a misspelt one is rarely one of those.
    """
    free = [name for name in known if name not in taken]
    if meant := _habit(_KEYS, key, free):
        return meant
    near = nearest(key, free) or nearest(key, known)
    return (near,) if near else ()


def kind_meant(word: str, known: Collection[str]) -> str | None:
    """The kind that somebody meant."""
    return next(iter(_habit(_KINDS, word, known)), None) or nearest(word, known)


def word_meant(word: str, known: Collection[str]) -> str | None:
    """The one of a few words that somebody meant."""
    return nearest(word, known) or next(iter(_habit(_WORDS, word, known)), None)


def _habit(table: Mapping[str, str], word: str, known: Collection[str]) -> tuple[str, ...]:
    for group in table.get(word.lower().replace("-", "_"), "").split():
        if meant := tuple(name for name in group.split("|") if name in known):
            return meant
    return ()
