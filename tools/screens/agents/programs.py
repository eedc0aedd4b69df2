"""How each agent program is started, got past its first questions, and stopped while it works.

Keys and addresses are made up; the only service is the scripted one on loopback.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tools.screens.agents.steps import Press, Shot, Step, Type, Wait

SERVICE: Final = "http://127.0.0.1:8099"
_KEY: Final = "made-up-key-of-no-service"


@dataclass(frozen=True)
class Agent:
    """A program.

    Attributes:
        name: of its cases.
        command: what starts it.
        version: what tells its version.
        boot: its first questions, up to its prompt.
        prompt: what its screen holds when the prompt is there.
        stop: the keys that stop it while it works.
        clear: the keys that empty its prompt.
        quit: what ends it.
        asks: what its screen holds when it asks for permission.
        models: what opens its list of models, and what that shows.
        help: what opens its help, and what that shows.
        files: its settings, by their place in the home.
        environment: what it wants besides the usual.
        tools: whether the model can call tools.
        retries: HTTP errors after which it tries again for longer than a run lasts.
    """

    name: str
    command: str
    version: str
    boot: tuple[Step, ...]
    prompt: str
    stop: tuple[str, ...]
    clear: tuple[str, ...]
    quit: tuple[Step, ...]
    asks: str
    models: tuple[str, str] | None = None
    help: tuple[str, str] | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    tools: bool = True
    retries: tuple[int, ...] = ()


_CODEX: Final = f"""\
model = "gpt-5.1-codex"
model_provider = "loopback"
approval_policy = "on-request"
sandbox_mode = "read-only"
check_for_update_on_startup = false
[model_providers.loopback]
name = "loopback"
base_url = "{SERVICE}/v1"
wire_api = "responses"
env_key = "LOOPBACK_KEY"
request_max_retries = 1
stream_max_retries = 1
[analytics]
enabled = false
"""
_CLAUDE: Final = {
    "hasCompletedOnboarding": True,
    "lastOnboardingVersion": "2.1.0",
    "theme": "dark",
    "autoUpdates": False,
}
_GEMINI: Final = {
    "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": True}},
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
    "general": {"disableAutoUpdate": True, "disableUpdateNag": True},
}
_QWEN: Final = {
    "security": {"auth": {"selectedType": "openai"}},
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
    "general": {"disableAutoUpdate": True},
}
_OPENCODE: Final = {
    "autoupdate": False,
    "share": "disabled",
    "model": "loopback/scripted",
    "small_model": "loopback/scripted",
    "permission": {"bash": "ask", "edit": "ask"},
    "provider": {
        "loopback": {
            "npm": "@ai-sdk/openai-compatible",
            "name": "Loopback",
            "options": {"baseURL": f"{SERVICE}/v1", "apiKey": _KEY},
            "models": {
                "scripted": {"name": "Scripted", "limit": {"context": 100000, "output": 8000}}
            },
        }
    },
}

AGENTS: Final[tuple[Agent, ...]] = (
    Agent(
        name="claude",
        command="claude",
        version="claude --version",
        boot=(
            Shot("trust", "waiting", "trust this folder"),
            Press("Enter"),
            Shot("api-key", "waiting", "use this API key"),
            Press("Up", "Enter"),
        ),
        prompt=r"\? for shortcuts",
        stop=("Escape",),
        clear=("C-u",),
        quit=(Type("/exit"), Press("Enter"), Wait(r"^dev@box:~/shop\$ *$")),
        asks=r"Do you want to",
        models=("/model", "Select model"),
        help=("/help", "Shortcuts|commands"),
        files={".claude.json": json.dumps(_CLAUDE)},
        environment={
            "ANTHROPIC_BASE_URL": SERVICE,
            "ANTHROPIC_API_KEY": _KEY,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "CLAUDE_CODE_MAX_RETRIES": "2",
        },
    ),
    Agent(
        name="codex",
        command="codex --no-daemon",
        version="codex --version",
        boot=(Shot("trust", "waiting", "Trust this folder"), Press("Enter")),
        prompt="Ask Codex to do anything",
        stop=("Escape",),
        clear=("C-u",),
        quit=(Type("/quit"), Press("Enter"), Wait(r"^dev@box:~/shop\$ *$")),
        asks=r"Would you like to",
        models=("/model", "Select Model"),
        files={".codex/config.toml": _CODEX},
        environment={"LOOPBACK_KEY": _KEY},
    ),
    Agent(
        name="gemini",
        retries=(429, 500),
        command="gemini -m gemini-2.5-pro",
        version="gemini --version",
        boot=(Shot("trust", "waiting", "Do you trust the files"), Press("Enter")),
        prompt="Type your message",
        stop=("Escape",),
        clear=("C-u",),
        quit=(Type("/quit"), Press("Enter"), Wait(r"^dev@box:~/shop\$ *$")),
        asks="Allow execution|Apply this change",
        models=("/model", "Select Model"),
        help=("/help", "full list of shortcuts"),
        files={".gemini/settings.json": json.dumps(_GEMINI)},
        environment={"GEMINI_API_KEY": _KEY, "GOOGLE_GEMINI_BASE_URL": SERVICE},
    ),
    Agent(
        name="opencode",
        retries=(429, 500),
        command="opencode",
        version="opencode --version",
        boot=(),
        prompt="Ask anything|ctrl.p commands",
        stop=("Escape", "Escape"),
        clear=("C-u",),
        quit=(Type("/exit"), Press("Enter"), Wait(r"^dev@box:~/shop\$ *$")),
        asks="Permission required",
        models=("/models", "Select model"),
        help=("/help", "Help"),
        files={".config/opencode/opencode.json": json.dumps(_OPENCODE)},
        environment={"OPENCODE_DISABLE_MODELS_FETCH": "1"},
    ),
    Agent(
        name="copilot",
        retries=(429,),
        command="copilot",
        version="copilot --version",
        boot=(Shot("trust", "waiting", "Confirm folder trust"), Press("Enter")),
        prompt=r"/ commands",
        stop=("C-c",),
        clear=("C-u",),
        quit=(Type("/exit"), Press("Enter"), Wait(r"^dev@box:~/shop\$ *$")),
        asks="Do you want to",
        models=("/model", "(?i)select model|model"),
        help=("/help", "(?i)commands"),
        environment={
            "COPILOT_PROVIDER_BASE_URL": f"{SERVICE}/v1",
            "COPILOT_MODEL": "scripted",
            "COPILOT_OFFLINE": "true",
        },
    ),
    Agent(
        name="qwen",
        retries=(429, 500),
        command="qwen",
        version="qwen --version",
        boot=(),
        prompt="Type your message",
        stop=("Escape",),
        clear=("C-u",),
        quit=(Type("/quit"), Press("Enter"), Wait(r"^dev@box:~/shop\$ *$")),
        asks="Allow execution|Apply this change",
        models=("/model", "Select Model"),
        help=("/help", "(?i)basics|commands"),
        files={".qwen/settings.json": json.dumps(_QWEN)},
        environment={
            "OPENAI_BASE_URL": f"{SERVICE}/v1",
            "OPENAI_API_KEY": _KEY,
            "OPENAI_MODEL": "scripted",
        },
    ),
    Agent(
        name="aider",
        retries=(429, 500),
        command=(
            f"aider --model openai/pair --openai-api-base {SERVICE}/v1 --openai-api-key {_KEY}"
            " --no-check-update --no-show-model-warnings --analytics-disable"
            " --no-show-release-notes --edit-format diff prices.py"
        ),
        version="aider --version",
        boot=(
            Shot("gitignore", "waiting", r"\(Y\)es/\(N\)o"),
            Type("n"),
            Press("Enter"),
        ),
        prompt=r"^(?:diff)?> *$",
        stop=("C-c",),
        clear=("C-u",),
        quit=(Type("/exit"), Press("Enter"), Wait(r"^dev@box:~/shop\$ *$")),
        asks=r"\(Y\)es/\(N\)o",
        help=("/help", "Use `/help"),
        files={".aider/caches/model_prices_and_context_window.json": '{"none": {}}'},
        environment={"LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        tools=False,
    ),
)
