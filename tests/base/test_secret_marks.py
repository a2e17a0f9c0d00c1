"""Secrets in whole commands, by what stands before them."""

from __future__ import annotations

import pytest

from llmswitch.base.secret_marks import RULES, found


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Bash(SECRETS_PIN=123456 openssl enc)", "an assignment to a secret's name"),
        ("Bash(PGPASSWORD=hunter2hunter2 psql)", "an assignment to a secret's name"),
        ("mysql --password=hunter22", "an assignment to a secret's name"),
        ("export API_TOKEN='abcd1234'", "an assignment to a secret's name"),
        ("tool --tokens=abcd1234", "an assignment to a secret's name"),
        ('curl -H "Authorization: Bearer abcdef0123456789"', "a bearer header"),
        ('curl -H "X-Api-Key: abcdef0123456789"', "a key header"),
        ("git clone https://ghp_0123456789abcdef0123456789abcdef0123@github.com/x", "a GitHub token"),
        ("aws AKIAIOSFODNN7EXAMPLE", "an AWS key"),
        ("xoxb-123456789012-abcdef", "a Slack token"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "a JSON web token"),
        ("glpat-0123456789abcdefghij", "a GitLab token"),
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
    ],
)  # fmt: skip
def test_a_secret_is_found_by_its_rule(text: str, rule: str) -> None:
    """Each rule at least once."""
    assert rule in found(text).values()
    assert rule in RULES


@pytest.mark.parametrize(
    "text",
    ["Bash(git diff:*)", "Bash(TOKEN=$GITHUB_TOKEN gh api)", "Bash(API_KEY=<yours> x)", "Bash(npm run -- --pin=12)",
     "tool --max-tokens=4096", "Bash(MAX_THINKING_TOKENS='10000' x)",
     "spinning=fast", "Bearer $TOKEN", "PASSWORD=your-password", "mapping=abcdef"],
)  # fmt: skip
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    """Variables, placeholders and other words."""
    assert found(text) == {}
