"""What the pages need of the engine."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from callcamp.core.permissions import Principal, Role, TokenScope
from callcamp.engine.agents.views import AgentView, WrapUpNote
from callcamp.engine.clock import Clock
from callcamp.engine.commands import Commands
from callcamp.engine.directory_imports import DirectoryImports
from callcamp.engine.imports import Imports
from callcamp.engine.list_files import ListFiles
from callcamp.engine.live import LiveFeed
from callcamp.engine.vitals import Vitals
from callcamp.engine.webhooks import Webhooks
from callcamp.ports import ApiToken, Session, Store, User
from callcamp.ports.switchboard import QueueView, SpyMode, TransferTo

if TYPE_CHECKING:
    from callcamp.engine.agents.pace import PacingView


class AccessLike(Protocol):
    """What the pages need of the accounts; :class:`callcamp.engine.access.Access` says it all."""

    async def has_users(self) -> bool:
        """Tell whether anybody has an account."""
        ...

    async def log_in(
        self, name: str, password: str, *, code: str | None, address: str, agent: str
    ) -> tuple[str, User]:
        """Begin a session; returns its secret."""
        ...

    async def principal_of_session(self, secret: str) -> Principal | None:
        """Return who has this session, if it holds."""
        ...

    async def principal_of_token(self, bearer: str) -> Principal | None:
        """Return whom this token stands for, if it holds."""
        ...

    async def note_bad_token(self, address: str) -> None:
        """Count a token that was no good, or refuse to when too many come from there."""
        ...

    async def log_out(self, secret: str) -> None:
        """End a session."""
        ...

    async def log_out_everywhere(self, user_id: int) -> object:
        """End every session of an account."""
        ...

    async def change_password(self, user_id: int, old: str, new: str) -> None:
        """Change a password by its owner."""
        ...

    async def reset_password(self, user_id: int, new: str) -> None:
        """Change a password by an administrator."""
        ...

    async def sessions(self, user_id: int) -> list[Session]:
        """Return the sessions of an account."""
        ...

    async def user(self, user_id: int) -> User:
        """Return one account."""
        ...

    async def users(self) -> list[User]:
        """Return all accounts."""
        ...

    async def add_user(
        self, name: str, password: str, *, role: Role, manages_campaigns: bool = False
    ) -> User:
        """Add an account."""
        ...

    async def change_user(
        self,
        user_id: int,
        *,
        role: Role | None = None,
        manages_campaigns: bool | None = None,
        active: bool | None = None,
    ) -> User:
        """Change an account."""
        ...

    async def create_token(
        self,
        user_id: int | None,
        name: str,
        scopes: Iterable[TokenScope],
        expires_at: datetime | None,
    ) -> tuple[str, ApiToken]:
        """Make a token; returns what is shown once."""
        ...

    async def tokens(self, user_id: int | None = None) -> list[ApiToken]:
        """Return the tokens of an account, or all."""
        ...

    async def revoke_token(self, token_id: int, *, of_user: int | None = None) -> None:
        """Revoke a token, or only if it is this account's."""
        ...

    async def begin_totp(self, user_id: int) -> tuple[str, str]:
        """Return a new secret for one-time codes and its address for an app."""
        ...

    async def confirm_totp(self, user_id: int, secret: str, code: str) -> None:
        """Ask for one-time codes from now on."""
        ...

    async def disable_totp(self, user_id: int) -> None:
        """Ask for one-time codes no more, by an administrator."""
        ...

    async def disable_own_totp(self, user_id: int, password: str) -> None:
        """Ask for one-time codes no more, by the account's owner."""
        ...


class AgentsLike(Protocol):
    """What the pages need of the agents' desk; :mod:`callcamp.engine.agents.desk` says it all."""

    @property
    def revision(self) -> int:
        """Counts up with every change of any agent."""
        ...

    async def wait(self, seen: int) -> int:
        """Return the revision once it is greater than ``seen``."""
        ...

    def changed(self) -> None:
        """Look at once what was changed of agents in the store."""
        ...

    def view(self, name: str) -> AgentView:
        """Return an agent now."""
        ...

    def views(self) -> list[AgentView]:
        """Return all agents now, also those who are offline."""
        ...

    async def queues(self) -> dict[str, QueueView]:
        """Return every queue of Asterisk by name."""
        ...

    def pacing(self, campaign_id: int) -> PacingView | None:
        """Return what a campaign's pacing did last."""
        ...

    async def log_in(self, name: str, campaign_id: int) -> AgentView:
        """Begin a shift."""
        ...

    async def log_out(self, name: str) -> AgentView:
        """End a shift."""
        ...

    async def ready(self, name: str) -> AgentView:
        """Take calls."""
        ...

    async def pause(self, name: str, reason: str) -> AgentView:
        """Take no calls."""
        ...

    async def accept(self, name: str) -> AgentView:
        """Have the contact of a preview dialled."""
        ...

    async def skip(self, name: str, reason: str) -> AgentView:
        """Pass on the contact of a preview."""
        ...

    async def hang_up(self, name: str) -> AgentView:
        """End the call."""
        ...

    async def hold(self, name: str, on: bool) -> AgentView:
        """Let the contact hear music, or not any more."""
        ...

    async def mute(self, name: str, on: bool) -> AgentView:
        """Keep what the agent says from the contact, or not any more."""
        ...

    async def press_keys(self, name: str, digits: str) -> AgentView:
        """Send keypad tones to the contact's side."""
        ...

    async def transfer(self, name: str, to: TransferTo, target: str) -> AgentView:
        """Send the contact away without a word."""
        ...

    async def consult(self, name: str, to: TransferTo, target: str) -> AgentView:
        """Talk to a third party while the contact waits."""
        ...

    async def complete_consult(self, name: str) -> AgentView:
        """Bring contact and third party together."""
        ...

    async def cancel_consult(self, name: str) -> AgentView:
        """End the talk with the third party."""
        ...

    async def finish(self, name: str, attempt_id: str, note: WrapUpNote) -> AgentView:
        """Note the result of a call; in wrap-up that ends it."""
        ...

    async def call_phone(self, name: str) -> AgentView:
        """Call the agent's phone now."""
        ...

    async def test_phone(self, name: str) -> AgentView:
        """Call the agent's phone for an echo test."""
        ...

    async def spy(self, name: str, mode: SpyMode, supervisor: str) -> AgentView:
        """Call a supervisor's phone and let it take part in a talk."""
        ...

    async def take_over(self, name: str, supervisor: str) -> AgentView:
        """Send the contact to a supervisor's phone."""
        ...

    async def force_pause(self, name: str, reason: str) -> AgentView:
        """Pause an agent, as a supervisor."""
        ...

    async def force_log_out(self, name: str) -> AgentView:
        """Log an agent out, as a supervisor."""
        ...


class EngineLike(Protocol):
    """What the pages need of the engine."""

    @property
    def agents(self) -> AgentsLike:
        """The agents at work."""
        ...

    @property
    def commands(self) -> Commands:
        """The use-cases."""
        ...

    @property
    def access(self) -> AccessLike:
        """Who may do what."""
        ...

    @property
    def webhooks(self) -> Webhooks:
        """Where events are sent to."""
        ...

    @property
    def live(self) -> LiveFeed:
        """What goes on now."""
        ...

    @property
    def clock(self) -> Clock:
        """The engine's time: a demo's may run faster than the wall clock."""
        ...

    @property
    def store(self) -> Store:
        """What is remembered."""
        ...

    @property
    def imports(self) -> Imports:
        """Files that become contacts."""
        ...

    @property
    def directory_imports(self) -> DirectoryImports:
        """Files that become people of the directory."""
        ...

    @property
    def list_files(self) -> ListFiles:
        """Files of numbers: do-not-call, registers, consents."""
        ...

    @property
    def gateway(self) -> object:
        """The way to Asterisk; metrics measure one that lets them."""
        ...

    def vitals(self) -> Vitals:
        """Return how the engine is, for health checks and metrics."""
        ...

    @property
    def link_up(self) -> bool:
        """Whether Asterisk can be reached."""
        ...

    @property
    def link_problem(self) -> str | None:
        """Why not, in words."""
        ...
