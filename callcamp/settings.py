"""Settings: from ``callcamp.toml`` or the environment (prefix ``CALLCAMP_``).

The environment wins over the file. Every setting is described in ``docs/settings.md``;
a test fails when one is not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, IPvAnyNetwork, SecretStr, StringConstraints
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


class Settings(BaseSettings):
    """All that an admin can set. Units are in the names."""

    model_config = SettingsConfigDict(
        env_prefix="CALLCAMP_", toml_file="callcamp.toml", extra="forbid"
    )

    database_url: str = Field(
        "sqlite:///callcamp-data/callcamp.sqlite3",
        description="Database address: sqlite:///PATH or postgresql://user@host/name.",
    )
    data_dir: Path = Field(
        Path("callcamp-data"), description="Folder for uploads, error files and other data."
    )
    ami_host: str = Field("127.0.0.1", description="Host of Asterisk's manager interface.")
    ami_port: int = Field(5038, ge=1, le=65535, description="Port of the manager interface.")
    ami_username: str = Field("callcamp", description="Manager user, see asterisk/.")
    ami_secret: SecretStr = Field(SecretStr(""), description="Secret of the manager user.")
    ami_connect_timeout_s: float = Field(
        5.0, gt=0, le=300, description="Time to connect and log in."
    )
    ami_action_timeout_s: float = Field(
        5.0, gt=0, le=300, description="Time Asterisk has to answer."
    )
    ami_ping_interval_s: float = Field(
        5.0, gt=0, le=300, description="Pause between keep-alive pings on an idle link."
    )
    ami_event_queue: int = Field(
        50_000, ge=100, description="Events kept while the tracker is behind, before a resync."
    )
    http_host: str = Field(
        "127.0.0.1",
        description="Address of the web pages; loopback only until there is an administrator.",
    )
    http_port: int = Field(8080, ge=0, le=65535, description="Port of the web pages; 0: any.")
    http_allowed_hosts: list[str] = Field(
        [],
        description="Names under which the pages may be called, besides http_host and loopback, "
        'such as ["callcamp.example.com"].',
    )
    http_trusted_proxies: list[IPvAnyNetwork] = Field(
        [],
        description="Addresses or networks of proxies whose X-Forwarded-For and "
        "X-Forwarded-Proto are believed.",
    )
    http_secure_cookies: bool = Field(
        False, description="Whether cookies go over https only, also where callcamp sees http."
    )
    metrics_public: Literal["loopback", "always", "never"] = Field(
        "loopback",
        description="To whom /readyz and /metrics answer without a log-in: always to all, never, "
        "or to loopback: this machine, through no proxy.",
    )
    phone_ws_url: Annotated[
        str, StringConstraints(pattern=r"^(|(/|wss?://)[A-Za-z0-9._~:/\[\]-]{1,200})$")
    ] = Field(
        "",
        description="Asterisk's WebSocket for browser phones, such as wss://pbx.example.com/ws, "
        "or a path of callcamp's own host; empty: no browser phones.",
    )
    phone_ice_servers: list[
        Annotated[str, StringConstraints(pattern=r"^(stuns?|turns?):[A-Za-z0-9._:\[\]?=-]{1,200}$")]
    ] = Field(
        [],
        description="STUN and TURN servers of browser phones, such as "
        '["turn:turn.example.com:3478"].',
    )
    phone_turn_secret: SecretStr = Field(
        SecretStr(""),
        description="Secret shared with the TURN servers, of which phones get passwords that end "
        "by themselves.",
    )
    agent_pause_reasons: list[Annotated[str, StringConstraints(min_length=1, max_length=64)]] = (
        Field(
            ["Break", "Lunch", "Meeting", "Training", "Technical problem"],
            description="Reasons for a pause that the agent page offers; agents may write others.",
        )
    )
    campaigns: bool = Field(
        True, description="Whether campaigns may dial at all; off: none starts, none calls."
    )
    modes: list[str] = Field(
        ["single_day", "multi_day", "always_on"],
        description="Campaign modes that this deployment allows.",
    )
    legal_dir: str = Field(
        "",
        description="Folder of legal presets of your own, beside or in place of callcamp's; "
        "empty: none.",
    )
    limits: dict[str, dict[str, tuple[int, int]]] = Field(
        {},
        description="Other limits of the starting points, such as "
        '{"callbot": {"concurrency": [1, 200]}}.',
    )
    webhook_allow_private: bool = Field(
        False,
        description="Whether webhooks may be sent to addresses that are not public, such as "
        "127.0.0.1 or 10.0.0.5.",
    )
    webhook_late_s: float = Field(
        600.0,
        gt=0,
        le=3 * 86400,
        description="How long an event may wait for its webhook before /readyz says degraded.",
    )
    lease_s: float = Field(
        30.0, gt=0, le=3600, description="How long a claim holds a contact before the call is sent."
    )
    settle_margin_s: float = Field(
        15.0,
        gt=0,
        le=3600,
        description="Silence allowed past an attempt's own limits before it is checked.",
    )
    max_call_s: float = Field(
        3600.0,
        gt=0,
        le=7 * 86400,
        description="Longest call; past it the channel is hung up and checked.",
    )
    import_memory_mib: int = Field(
        600, ge=128, description="Memory limit of the process that reads an uploaded file."
    )
    import_max_rows: int = Field(500_000, ge=1, description="Most rows in one import.")
    import_max_mib: int = Field(100, ge=1, description="Largest file for an import.")
    import_keep_days: int = Field(
        7, ge=1, description="How long uploaded files and lists of rows left out are kept."
    )
    session_idle_s: float = Field(
        7200.0,
        ge=120,
        le=30 * 86400,
        description="A log-in ends after this long without a request.",
    )
    session_max_s: float = Field(
        43200.0,
        ge=120,
        le=90 * 86400,
        description="A log-in ends after this long, used or not.",
    )
    log_json: bool = Field(False, description="Write logs as JSON lines instead of text.")
    log_numbers: bool = Field(
        False, description="Write whole phone numbers into logs, not just their last 4 digits."
    )
    log_level: str = Field("info", description="debug, info, warning or error.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments, then the environment, then ``callcamp.toml``."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)
