"""The fields of a preset, each with what it says: for the check of a file, a new file's comments and the guide."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """What a field says, and an example as it is written in a file."""

    about: str
    example: str


FIELDS = {
    "extends": Field("the preset below this one: what is not said here is as there", '"openrouter"'),
    "title": Field("what it is, for people", '"A provider"'),
    "aliases": Field("other names that people may type", '["another-name"]'),
    "group": Field("the heading it has in the list; your own presets are under Yours", '"Yours"'),
    "base_url": Field("where requests go: without `/v1`, for the OpenAI format with it", '"https://api.example.com"'),
    "protocol": Field("`anthropic` (usual) or `openai`, which goes through the gateway", '"anthropic"'),
    "cloud": Field("`bedrock`, `vertex` or `foundry` in place of a `base_url`", "null"),
    "key": Field("the name of its key; `null` where the backend needs none", '"example"'),
    "key_from": Field(
        'where the key is besides the keyring: `{env: "VARIABLE"}` or `{command: ["PROGRAM", "ARGUMENT"]}`',
        '{ env: "EXAMPLE_API_KEY" }',
    ),
    "key_prefix": Field("what its keys begin with", '"ex-"'),
    "key_url": Field("the page where people get a key", '"https://example.com/keys"'),
    "key_check": Field(
        "a request that checks a key for free: `{url, method, auth}`", '{ url: "https://api.example.com/key" }'
    ),
    "auth": Field("how the key is sent: `bearer` (usual) or `api-key`", '"bearer"'),
    "two_headers": Field(
        "whether its host takes a key in both headers, as a key helper's goes out; without it that is unknown", "true"
    ),
    "answers_any_key": Field("`true` where that request succeeds with a wrong key too", "false"),
    "balance": Field(
        "the request for what is left, for `llmswitch balance`: `{url, auth, docs, note, amounts: {WHAT: {at, unit, "
        "unit_at, per, none, until}}}`",
        '{ url: "https://api.example.com/credit", docs: "https://example.com", amounts: { credit: { at: "credit" } } }',
    ),
    "models_url": Field("its list of models, for `models --live` and `doctor`", '"https://api.example.com/v1/models"'),
    "prices": Field("whose prices count, as `prices.json` calls the provider", '"openrouter"'),
    "billing": Field("`tokens` (usual), or `plan` where a flat rate is paid", '"tokens"'),
    "default_slot": Field("the slot that a session starts on; usually sonnet", '"sonnet"'),
    "default_model": Field("the model of slots that name none", '"a-model"'),
    "slots": Field(
        "a model for each slot: text, or `{model, name, window}`, with `preset`, or with `base_url`, `key` and "
        "`protocol`, where it lives elsewhere",
        "{}",
    ),
    "also": Field("further models that a session may ask for", '["another-model"]'),
    "fence": Field("`false` where a session may ask for any model", "true"),
    "windows": Field("a model's context window in tokens, where it is not known", '{ "a-model": 131072 }'),
    "env": Field(
        "tuning variables of Claude Code; those that choose the backend are not allowed",
        '{ API_TIMEOUT_MS: "600000" }',
    ),
    "features": Field(
        "what its documents say of `web_search`, `images`, `token_counting` and `pdf`: `true` or `false`; without it "
        "that is unknown",
        "{ images: false }",
    ),
    "notes": Field("what `show` tells people of it, a line each", '["What to know of it."]'),
    "docs": Field("the page that describes it", '"https://example.com/docs"'),
    "verified": Field("the day of the newest document behind it", '"2026-11-20"'),
    "confidence": Field("how far to trust it: `high`, `medium` or `low`", '"medium"'),
}
# Of a slot that is an object.
SLOT_FIELDS = ("model", "name", "window", "preset", "base_url", "key", "protocol")
