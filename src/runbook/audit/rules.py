r"""The rules for secrets that nobody declared: what each looks for, and why no harmless text looks like it.

They begin with what only a secret begins with (``AKIA``, ``-----BEGIN``), or stand in a place that only a secret stands
in (``://user:…@``, ``PGPASSWORD=``, ``curl -u user:…``). What stands for a value is none: a variable, a place to be
filled, stars, a mask. So nothing is masked twice, and what was masked once stays as it is.
"""

import base64
import binascii
import re

from runbook.audit.sieve import literal
from runbook.audit.undeclared import END_OF_WORD, LINE, Rule, Rules

_LONG_WORD = 16 * 1024
_BLOCK = 64 * 1024
_STANDS_FOR = (
    r"(?!\\?(?:\[MASKED:|\$|<|\{\{|\*+(?:[\s\"'@,;)]|$)|%[sr(]|%[A-Z]|\.\.\.|‹|[xX]{3,}(?:[\s\"'@,;)]|$)|(?:"
    r"true|false|yes|no|none|null|required|missing|invalid|expired|failed|token)(?:[\s\"',;&)@]|$)))"
)
_END_OF_BLOCK = re.compile(
    rb"-----END[A-Z0-9 ]{0,64}-----|-----BEGIN|[(){};_%?&@!#~*`$<^\x80-\xff]|(?<=CERTIFICATE-----)|(?<=PUBLIC KEY-----)"
)
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{16}")


def _quoted(before: str, word: str) -> str:
    """A value in quotes of either kind, or without any; ``before`` is what stands between the quote and it."""
    return (
        rf"(?:\\?'{before}{_STANDS_FOR}([^'\r\n]{{1,512}})|\\?\"{before}{_STANDS_FOR}([^\"\r\n]{{1,512}})"
        rf"|{before}{_STANDS_FOR}({word}{{1,512}}))"
    )


def _basic(value: bytes) -> bool:
    """Whether it is a user and a password as basic authentication sends them (RFC 7617, 2)."""
    try:
        text = base64.b64decode(value + b"=" * (-len(value) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return ":" in text and text.isprintable()


def _key(name: str, fronts: str, rest: str) -> Rule:
    """A key that begins with something that nothing else begins with."""
    triggers = tuple(front.encode() for front in fronts.split())
    begin = "|".join(re.escape(front) for front in fronts.split())
    return Rule(
        name=name,
        triggers=triggers,
        pattern=f"((?:{begin}){rest})",
        sieve="(?:" + "|".join(map(literal, triggers)) + ")[A-Za-z0-9/_.-]{8}",
        end=END_OF_WORD,
        size=LINE,
    )


def _assigned(names: str, between: str) -> Rule:
    """A variable that holds a password, by its name and what stands between it and its value."""
    triggers = tuple(each.encode() for each in names.split())
    begin = "|".join(names.split())
    return Rule(
        name="password",
        triggers=triggers,
        pattern=(rf"(?:{begin}){between}" + _quoted("", r"[^\s\"';&|<>),]")),
        sieve="|".join(map(literal, triggers)),
        free=False,
    )


def _option(name: str, programs: tuple[str, ...], option: str, before: str = "") -> Rule:
    """An option of a program that carries a password."""
    return Rule(
        name=name,
        triggers=(b" -", b'"-', b"'-"),
        pattern=(rf"[ \"']{option}" + _quoted(before, r"[^\s\"']")),
        sieve="|".join(literal(program.encode()) for program in programs),
        free=False,
        after=tuple(program.encode() for program in programs),
    )


_KEYS = (
    _key("aws-access-key", "AKIA ASIA ABIA ACCA", "[A-Z0-9]{16}"),
    _key("github-token", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", "[A-Za-z0-9_]{20,255}"),
    _key("gitlab-token", "glpat- gldt- glrt- glptt- glcbt- glft- glsoat-", "[A-Za-z0-9_.-]{20,255}"),
    _key("slack-token", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xoxe. xapp-", "[A-Za-z0-9.-]{10,255}"),
    _key("slack-webhook", "hooks.slack.com/services/", "[A-Za-z0-9/_-]{20,255}"),
    _key("stripe-key", "sk_live_ sk_test_ rk_live_ rk_test_ whsec_", "[A-Za-z0-9]{10,255}"),
    _key("google-key", "AIza", "[A-Za-z0-9_-]{35}"),
    _key("google-token", "ya29. GOCSPX-", "[A-Za-z0-9_-]{20,2048}"),
    _key("npm-token", "npm_", "[A-Za-z0-9]{36}"),
    _key("pypi-token", "pypi-AgE", "[A-Za-z0-9_-]{50,1024}"),
    _key(
        "openai-key",
        "sk-",
        "(?:(?:proj|svcacct|admin|ant)-[A-Za-z0-9_-]{20,255}|[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20})",
    ),
    _key("sendgrid-key", "SG.", "[A-Za-z0-9_-]{16,64}[.][A-Za-z0-9_-]{16,128}"),
    _key("access-token", "hf_", "[A-Za-z0-9]{30,255}"),
    _key("access-token", "dop_v1_ doo_v1_ dor_v1_ rubygems_", "[a-f0-9]{48,64}"),
    _key("access-token", "shpat_ shpss_ shpca_ shppa_ dapi", "[a-fA-F0-9]{32}"),
    _key(
        "access-token", "hvs. hvb. dckr_pat_ glsa_ glc_ lin_api_ sntrys_ pul- tskey-auth-", "[A-Za-z0-9_+/=-]{24,1024}"
    ),
    _key("access-token", "ATATT3 PMAK- AGE-SECRET-KEY-1 pscale_tkn_ pscale_pw_", "[A-Za-z0-9_=-]{24,1024}"),
)

RULES = Rules(
    (
        Rule(
            name="url-password",
            triggers=(b"://",),
            pattern=(
                r"(?<=[A-Za-z0-9])://[^\s/?#@:\[\"'<>`]{0,256}:(?!\d{0,5}(?:[/?#,\s]|$))"
                + _STANDS_FOR
                + r"([^\s\"'<>`]{1,512}?)@(?!sha\d+:)(?=[A-Za-z0-9_.%\[\]:-]{1,256}(?:[^A-Za-z0-9_.%\[\]:@-]|$))"
            ),
            sieve=r"://[^\s/?#@:]*:[^\s]+@",
            end=END_OF_WORD,
            free=False,
        ),
        Rule(
            name="private-key",
            triggers=(b"-----BEGIN",),
            pattern=(
                r"(-----BEGIN (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
                r"(?:[^\0]{16,}-----END[A-Z0-9 ]{0,64}-----"
                r"|(?:(?:\s|\\r|\\n)*+[A-Za-z0-9+/=]{16,}+)++(?:(?:\s|\\r|\\n)*+[A-Za-z0-9+/=]{4,16})?))"
            ),
            sieve="-----BEGIN [A-Z0-9 ]*PRIVATE KEY",
            end=_END_OF_BLOCK,
            size=_BLOCK,
            free=False,
            check=lambda found: len(_BASE64.findall(found)) > 0,
        ),
        Rule(
            name="jwt",
            triggers=(b"eyJ",),
            pattern=(
                r"(eyJ[A-Za-z0-9_-]{5,}\.(?:eyJ[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*"
                r"|[A-Za-z0-9_-]*\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}))"
            ),
            sieve=r"eyJ[A-Za-z0-9_-]{5,}\.",
            end=END_OF_WORD,
            size=_LONG_WORD,
        ),
        Rule(
            name="authorization",
            triggers=(b"Authorization", b"authorization", b"AUTHORIZATION"),
            pattern=(
                r"(?i:authorization)[\"'\\ :=,(\[]{1,12}(?i:bearer|token|apikey|api-key|negotiate) {1,4}"
                + _STANDS_FOR
                + r"(?![a-z_]+=)((?=\S*\d|\S{8}|\S+?[\"'\\\r\n]|\S+$)[A-Za-z0-9._~+/=:-]{4,})"
            ),
            sieve=r"[Aa]uthorization|AUTHORIZATION",
            size=_LONG_WORD,
            free=False,
        ),
        Rule(
            name="authorization",
            triggers=(b"Bearer ", b"bearer "),
            pattern=(_STANDS_FOR.join((r"[Bb]earer {1,4}", r"((?=\S*\d)[A-Za-z0-9._~+/=-]{16,})"))),
            sieve=r"[Bb]earer [A-Za-z0-9 ._~+/=-]{16}",
            size=_LONG_WORD,
        ),
        Rule(
            name="authorization",
            triggers=(b"Basic ", b"basic "),
            pattern=(_STANDS_FOR.join((r"[Bb]asic {1,4}", r"([A-Za-z0-9+/]{4,1024}={0,2})"))),
            sieve=r"[Bb]asic [A-Za-z0-9 +/]{4}",
            check=_basic,
        ),
        _assigned("PGPASSWORD MYSQL_PWD REDISCLI_AUTH SSHPASS", r"\\?[\"']?[ ]{0,2}[:=][ ]{0,2}"),
        _assigned("PASSWORD= PASSWD= password= passwd= Password= Pwd=", ""),
        Rule(
            name="aws-secret-key",
            triggers=(b"aws_secret_access_key", b"AWS_SECRET_ACCESS_KEY", b"SecretAccessKey", b"secretAccessKey"),
            pattern=(r"[A-Za-z_]{15,21}[\"'\\ :=]{1,8}([A-Za-z0-9/+]{40})"),
            sieve=r"aws_secret_access_key|AWS_SECRET_ACCESS_KEY|[Ss]ecretAccessKey",
            free=False,
        ),
        Rule(
            name="azure-key",
            triggers=(b"AccountKey=", b"SharedAccessKey="),
            pattern=(r"[A-Za-z]+=([A-Za-z0-9+/]{40,100}={0,2})"),
            sieve="(?:Account|SharedAccess)Key=",
            free=False,
        ),
        _option(
            "option",
            ("curl",),
            r"-(?:[A-Za-z]{0,8}[uU]|-user|-proxy-user)(?:[\"'],[ ]?|[ =]{0,2})",
            r"[^\s:\"']{0,128}:",
        ),
        _option("option", ("mysql", "mariadb"), "-p"),
        _option("option", ("sshpass",), "-p[ ]?"),
        _option("option", ("redis-cli",), "-a[ ]"),
        _option("option", ("docker login", "podman login"), "-p[ ]"),
        *_KEYS,
    )
)
"""All of them. Where two match the same, the first gives its name."""
