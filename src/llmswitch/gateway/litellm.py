"""The configuration of a LiteLLM proxy that serves a preset's slots: the same places, and every key by reference.

LiteLLM is never a dependency. Its settings, as of 1.106.2: https://docs.litellm.ai/docs/proxy/config_settings and
https://docs.litellm.ai/docs/anthropic_unified/native_passthrough (since 1.92.0).
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmswitch.presets.prices import Price
    from llmswitch.presets.routes import Route, Routes

    Variable = Callable[[str], str]
    PriceOf = Callable[[Route], Price | None]

# 1.82.7 and 1.82.8 on PyPI were malicious (MAL-2026-2144); passing Anthropic's format on needs 1.92.0.
VERSION = "1.106.2"
_COSTS = {"input": "input_cost_per_token", "output": "output_cost_per_token",
          "cache_read": "cache_read_input_token_cost", "cache_write": "cache_creation_input_token_cost"}  # fmt: skip
HEAD = "# Made by `llmswitch gateway export litellm`; keys are environment variables, none is in here.\n"
_ALONE = f"""\
# For LiteLLM {VERSION}, in an environment of its own: pip install "litellm[proxy]=={VERSION}"
#   LITELLM_LOCAL_MODEL_COST_MAP=True litellm --config config.yaml --host 127.0.0.1 --port 4000
"""
# What pip installs stops at once where a database is named: it has no Prisma, which the image has.
_TEAM = f"# For the image of LiteLLM {VERSION}, which compose.yaml starts: docker compose up\n"
_COMPOSE = f"""\
# Made by `llmswitch gateway export litellm --team`. Put the variables it names into .env beside it (mode 0600).
# The image is pinned; check its signature first: https://docs.litellm.ai/docs/proxy/docker_image_security
services:
  litellm:
    image: ghcr.io/berriai/litellm-database:v{VERSION}
    command: ["--config", "/app/config.yaml", "--port", "4000"]
    volumes: ["./config.yaml:/app/config.yaml:ro"]
    ports: ["127.0.0.1:4000:4000"] # put a proxy with TLS in front of it
    env_file: [.env]
    environment:
      DATABASE_URL: postgresql://litellm:${{POSTGRES_PASSWORD:?}}@postgres:5432/litellm
      REDIS_HOST: redis
      REDIS_PORT: "6379"
      LITELLM_LOCAL_MODEL_COST_MAP: "True"
    depends_on: {{postgres: {{condition: service_healthy}}, redis: {{condition: service_started}}}}
    restart: unless-stopped
  postgres:
    image: postgres:17-alpine
    environment: {{POSTGRES_USER: litellm, POSTGRES_DB: litellm, POSTGRES_PASSWORD: "${{POSTGRES_PASSWORD:?}}"}}
    volumes: ["postgres:/var/lib/postgresql/data"]
    healthcheck: {{test: ["CMD", "pg_isready", "-U", "litellm"], interval: 2s, retries: 30}}
    restart: unless-stopped
  redis:
    image: redis:8-alpine
    restart: unless-stopped
volumes: {{postgres: {{}}}}
"""
_NEW_KEY = """\
#!/bin/sh
# Makes a developer's virtual key and prints it. Usage: LITELLM_MASTER_KEY=… ./new-key NAME DOLLARS_A_MONTH
set -eu
body='{{"key_alias": "%s", "max_budget": %s, "budget_duration": "30d", "models": {models}}}'
# The master key goes in by standard input: arguments can be seen by others.
printf 'Authorization: Bearer %s' "${{LITELLM_MASTER_KEY:?}}" |
    curl --fail --silent --show-error "${{LITELLM_URL:-http://127.0.0.1:4000}}/key/generate" \\
        --header @- --header "Content-Type: application/json" --data "$(printf "$body" "$1" "$2")"
echo
"""


def variables(routes: Routes, variable: Variable, team: bool) -> list[str]:
    """Return the environment variables that the proxy needs."""
    keys = sorted({variable(route.key) for route in routes.by_model.values() if route.key})
    return [*keys, "LITELLM_MASTER_KEY", *(["LITELLM_SALT_KEY", "POSTGRES_PASSWORD"] if team else [])]


def config(routes: Routes, variable: Variable, team: bool, price_of: PriceOf | None = None) -> str:
    """Return `config.yaml`: JSON, which is YAML, behind remarks; a model without a price costs nothing there."""
    general: dict[str, object] = {"master_key": "os.environ/LITELLM_MASTER_KEY"}
    # One failure would start a cooldown, and turn the next answers into a 429 that no provider gave.
    router: dict[str, object] = {"disable_cooldowns": True, "num_retries": 0}
    if team:
        general |= {"database_url": "os.environ/DATABASE_URL"}
        router |= {"redis_host": "os.environ/REDIS_HOST", "redis_port": "os.environ/REDIS_PORT"}
    data = {
        "model_list": [_model(name, route, variable, price_of) for name, route in routes.by_model.items()],
        "litellm_settings": {
            "drop_params": False,
            "num_retries": 0,
            "request_timeout": 600,
            "use_chat_completions_url_for_anthropic_messages": True,
        },
        "router_settings": router,
        "general_settings": general,
    }
    return HEAD + (_TEAM if team else _ALONE) + json.dumps(data, indent=2) + "\n"


def _model(name: str, route: Route, variable: Variable, price_of: PriceOf | None) -> dict[str, object]:
    about = _costs(price_of(route) if price_of else None)
    parameters: dict[str, object] = {"api_base": route.base_url}
    # A host without a key gets a word in its place: without one LiteLLM takes what it finds in its environment.
    parameters["api_key"] = f"os.environ/{variable(route.key)}" if route.key else "none"
    if route.protocol == "openai":
        # `openai/` would use the Responses API, which only OpenAI has, for requests with thinking.
        provider = "openai" if route.host == "api.openai.com" else "hosted_vllm"
        made: dict[str, object] = {
            "model_name": name,
            "litellm_params": {"model": f"{provider}/{route.model}", **parameters},
        }
        return {**made, "model_info": about} if about else made
    provider = "anthropic" if route.auth == "api-key" else "openai"  # the latter sends the key as a bearer token
    passed: dict[str, object] = {"supported_endpoints": ["/v1/messages"], **about}
    return {
        "model_name": name,
        "litellm_params": {"model": f"{provider}/{route.model}", **parameters},
        "model_info": passed,
    }


def _costs(price: Price | None) -> dict[str, float]:
    """Return a price as LiteLLM takes it, in USD per token; without one its budgets count nothing."""
    rates = price.rates() if price else {}
    return {_COSTS[name]: round(rate / 1e6, 12) for name, rate in rates.items()}


def preset(slots: Mapping[str, str], start: str, url: str) -> str:
    """Return `team.json5`, the preset with which a developer uses the proxy; the virtual key is called `team`."""
    fields = {"title": "LiteLLM, ours", "base_url": url, "key": "team", "default_slot": start, "slots": slots}
    return json.dumps(fields, indent=2, ensure_ascii=False) + "\n"


def files(routes: Routes, variable: Variable, team: bool, price_of: PriceOf) -> dict[str, str]:
    """Return {name: content} of what the proxy needs; `variable` names the environment variable of a key."""
    made = {"config.yaml": config(routes, variable, team, price_of)}
    if team:
        models = json.dumps(list(routes.by_model)).replace("%", "%%").replace("'", "'\\''")
        made |= {"compose.yaml": _COMPOSE, "new-key": _NEW_KEY.format(models=models)}
    return made
