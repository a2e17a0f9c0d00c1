"""The clouds that Claude Code reaches by a switch of its own: how each is called, its endpoint, region and credential.

With such a switch on it does not ask ANTHROPIC_BASE_URL. Switches, base URLs, hosts, and which key or token is sent
were seen with 2.1.332; the rest is https://code.claude.com/docs/en/third-party-integrations.
"""

from __future__ import annotations

from llmswitch.base.urls import host_of
from llmswitch.claude.variables import AUTH_TOKEN, counts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Cloud:
    """One cloud: its name, its title, and the variables that say where it is and what it is paid with.

    `host` is its usual host, with the region in it where there is a `{}`.
    """

    __slots__ = ("base_url", "credential", "host", "name", "regions", "skip", "switch", "title", "tokens")

    def __init__(
        self, name: str, title: str, base_url: str, regions: tuple[str, ...], host: str, skip: str,
        tokens: tuple[str, ...], credential: str,
    ) -> None:  # fmt: skip
        self.name, self.title, self.switch, self.base_url = name, title, f"CLAUDE_CODE_USE_{name.upper()}", base_url
        self.regions, self.host, self.skip, self.tokens, self.credential = regions, host, skip, tokens, credential


_AWS = ("AWS_REGION", "AWS_DEFAULT_REGION")
# The strongest first: where two switches are on, this is the one that counts (2.1.332).
ALL = (
    Cloud("bedrock", "Amazon Bedrock", "ANTHROPIC_BEDROCK_BASE_URL", _AWS, "bedrock-runtime.{}.amazonaws.com",
          "CLAUDE_CODE_SKIP_BEDROCK_AUTH", ("AWS_BEARER_TOKEN_BEDROCK",), "your AWS credentials"),
    Cloud("foundry", "Microsoft Foundry", "ANTHROPIC_FOUNDRY_BASE_URL", ("ANTHROPIC_FOUNDRY_RESOURCE",),
          "{}.services.ai.azure.com", "CLAUDE_CODE_SKIP_FOUNDRY_AUTH",
          ("ANTHROPIC_FOUNDRY_API_KEY", "ANTHROPIC_FOUNDRY_AUTH_TOKEN"), "your Azure credentials"),
    Cloud("anthropic_aws", "Anthropic on AWS", "ANTHROPIC_AWS_BASE_URL", _AWS, "aws-external-anthropic.{}.api.aws",
          "CLAUDE_CODE_SKIP_ANTHROPIC_AWS_AUTH", ("ANTHROPIC_AWS_API_KEY",), "your AWS credentials"),
    Cloud("anthropic_google_cloud", "Anthropic on Google Cloud", "ANTHROPIC_GOOGLE_CLOUD_BASE_URL",
          ("ANTHROPIC_GOOGLE_CLOUD_LOCATION",), "claude.googleapis.com",
          "CLAUDE_CODE_SKIP_ANTHROPIC_GOOGLE_CLOUD_AUTH", (), "your Google Cloud credentials"),
    Cloud("mantle", "Amazon Bedrock (Mantle)", "ANTHROPIC_BEDROCK_MANTLE_BASE_URL", _AWS, "bedrock-mantle.{}.api.aws",
          "CLAUDE_CODE_SKIP_MANTLE_AUTH", ("AWS_BEARER_TOKEN_BEDROCK",), "your AWS credentials"),
    Cloud("vertex", "Google Vertex AI", "ANTHROPIC_VERTEX_BASE_URL", ("CLOUD_ML_REGION",),
          "{}-aiplatform.googleapis.com", "CLAUDE_CODE_SKIP_VERTEX_AUTH", (), "your Google Cloud credentials"),
)  # fmt: skip
# Regions of Vertex that are no place: their host (2.1.332).
_VERTEX = {"global": "aiplatform.googleapis.com", "eu": "aiplatform.eu.rep.googleapis.com",
           "us": "aiplatform.us.rep.googleapis.com"}  # fmt: skip
BY_SWITCH = {cloud.switch: cloud for cloud in ALL}


def on(texts: Mapping[str, str]) -> Cloud | None:
    """Return the cloud that is switched on, None where there is none; of several the strongest."""
    return next((cloud for switch, cloud in BY_SWITCH.items() if counts(switch, texts.get(switch, ""))), None)


def region(cloud: Cloud, texts: Mapping[str, str]) -> str:
    """Return the region (for Foundry the resource) that is set, "" where the cloud's own settings decide."""
    return next((texts[name] for name in cloud.regions if texts.get(name)), "")


def endpoint(cloud: Cloud, texts: Mapping[str, str]) -> str:
    """Return the host that requests go to, "" where the cloud's own settings decide."""
    if url := texts.get(cloud.base_url):
        return host_of(url) or "a base URL that cannot be used"
    place = region(cloud, texts)
    if cloud.name == "vertex" and place in _VERTEX:
        return _VERTEX[place]
    return cloud.host.format(place) if place or "{}" not in cloud.host else ""


def credential(cloud: Cloud, texts: Mapping[str, str]) -> str:
    """Return in words what is sent as the credential: the cloud's own, or with its sign-in left out a bearer token."""
    if texts.get(cloud.skip, "") and counts(cloud.switch, texts[cloud.skip]):
        return f"{AUTH_TOKEN}, as Authorization: Bearer" if texts.get(AUTH_TOKEN) else f"none ({cloud.skip})"
    token = next((name for name in cloud.tokens if texts.get(name)), "")
    profile = f" (profile {texts['AWS_PROFILE']})" if "AWS" in cloud.credential and texts.get("AWS_PROFILE") else ""
    return token or cloud.credential + profile
