"""What in a text is a secret by what stands before it: assignments, headers, and the prefixes of common services.

For looking through settings files, where Claude Code's "allow always" writes whole commands into permission rules.
"""

from __future__ import annotations

import re

# Names that a secret is assigned to, as a whole word or behind `_`: SECRETS_PIN=, PGPASSWORD=, --token=; a number of
# tokens is none: --max-tokens=4096.
_COUNT = r"token(?!s\s*=\s*[\"']?\d+\b)"
_NAMED = (
    rf"[\w-]*(?:password|passwd|passphrase|secret|{_COUNT}|api_?key|apikey|access_?key|(?<![a-z])pin|_pwd)\w{{0,3}}"
)
_VALUE = r"[^\s\"'$<>{}()*\\,;&|]{4,}"
RULES = {
    "an assignment to a secret's name": rf"(?i)(?<![\w$]){_NAMED}\s*=\s*[\"']?(?P<found>{_VALUE})",
    "a bearer header": r"(?i)\bbearer\s+(?P<found>[A-Za-z0-9._~+/-]{12,})",
    "a key header": r"(?i)\b(?:x-)?(?:api|auth)[-_](?:key|token)\s*:\s*(?P<found>[^\s\"'$<>{}\\*]{12,})",
    "a GitHub token": r"\b(?P<found>(?:gh[pousr]_|github_pat_)[A-Za-z0-9_]{16,})",
    "a GitLab token": r"\b(?P<found>glpat-[A-Za-z0-9_-]{16,})",
    "an AWS key": r"\b(?P<found>(?:AKIA|ASIA)[A-Z0-9]{16})\b",
    "a Slack token": r"\b(?P<found>xox[abposr]-[A-Za-z0-9-]{10,})",
    "a JSON web token": r"\b(?P<found>eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+)",
    "a private key": r"(?P<found>-----BEGIN [A-Z ]*PRIVATE KEY-----)",
}
_COMPILED = {rule: re.compile(pattern) for rule, pattern in RULES.items()}
_PLACEHOLDER = re.compile(r"(?i)\$|<|your|example|placeholder|changeme|xxx+|\*\*|true$|false$|none$|null$|\d{1,3}$")


def found(text: str) -> dict[str, str]:
    """Return {what is a secret: the rule that says so}, each once, placeholders left out."""
    marks: dict[str, str] = {}
    for rule, pattern in _COMPILED.items():
        for match in pattern.finditer(text):
            if not _PLACEHOLDER.match(match["found"]):
                marks.setdefault(match["found"], rule)
    return marks
