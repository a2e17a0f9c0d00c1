"""A switch of one or several worktrees: every check on the planned end state first, then every write."""

from __future__ import annotations

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.urls import host_of, id_in
from llmswitch.claude.variables import CREDENTIAL_PLACES
from llmswitch.commands.request import Chosen
from llmswitch.commands.switch import switch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from llmswitch.commands.request import Request
    from llmswitch.commands.switch import Done, Tools
    from llmswitch.settings.checkout import Checkout


class Switched:
    """What happened to one worktree: what the switch did, and what became of the sessions there.

    `before` and `after` are the members of the file. `follows` says that main gives it this pin already, `live` that
    open sessions were taken back, `keeps_key` that they could not be made to forget the old key.
    """

    __slots__ = ("after", "before", "checkout", "chosen", "done", "follows", "keeps_key", "live", "notices")

    def __init__(
        self,
        checkout: Checkout,
        chosen: Chosen,
        done: Done | None = None,
        notices: Sequence[str] = (),
        before: Mapping[str, str] | None = None,
        live: bool = False,
        keeps_key: bool = False,
    ) -> None:
        """Without `done` the worktree follows main."""
        self.checkout, self.chosen, self.done, self.follows = checkout, chosen, done, done is None
        found = (done.change.before, done.change.after) if done else (None, None)
        first, self.after = (each.values() if each else {} for each in found)
        self.before = first if before is None else before
        self.live, self.keeps_key = live, keeps_key
        self.notices = [*(done.notices if done else ()), *notices]

    @property
    def written(self) -> bool:
        """Say whether the file is another now."""
        return self.done is not None and self.done.written

    @property
    def host(self) -> str:
        """The host that requests go to after the switch, and the file that decides where that is another."""
        if url := self.chosen.pin.base_url:
            return "the local gateway" if id_in(url) else host_of(url)
        from llmswitch.settings.neighbours import deciding  # only where the pin names no host

        where, by = deciding(self.checkout, self.after)
        return f"{where}, by {by}" if by else where or self.chosen.preset.host


def switch_all(
    request: Request,
    checkouts: Sequence[Checkout],
    tools: Tools,
    main_rules: Callable[[], bool],
    save_adopted: Callable[[bool], str] | None = None,
) -> Iterator[Switched]:
    """Switch the worktrees in turn and return what changed in each; `save_adopted` saves keys found in the files.

    Raises LlmswitchError before the first write where any of them cannot be switched; if a write fails later on,
    the message names those that were switched.
    """
    chosen = request.chosen(tools.catalog)
    planned = {checkout.root for checkout in checkouts}
    removed = [name for name in CREDENTIAL_PLACES if name not in chosen.pin.members]  # a pin of ours blanks them
    if removed:
        from llmswitch.commands import live  # only where open sessions may keep a credential

        live.check(request, checkouts)
    shared = any(checkout.main or checkout.linked for checkout in checkouts)
    if shared:
        from llmswitch.commands import around  # only where worktrees share settings

        checkouts = around.checked(checkouts, chosen.pin, planned, request, main_rules)
    if len(checkouts) > 1 or request.settled:
        rehearsal = request.but(dry_run=True)
        for checkout in checkouts:
            switch(rehearsal, checkout, tools)
    saved = save_adopted(request.dry_run) if save_adopted else ""
    ended: list[str] = []
    for checkout in checkouts:
        try:
            if shared and around.follows(request, checkout, chosen.pin, planned) and main_rules():
                yield Switched(checkout, Chosen(chosen.preset, {}, chosen.pin, tools.catalog))
                continue
            done, before, back, keeps = (
                live.switched(request, checkout, chosen.pin, removed, tools)
                if removed
                else (switch(request, checkout, tools), None, False, False)
            )
            notices = around.neighbours(checkout, chosen.pin, planned) if shared else []
            yield Switched(checkout, done.chosen, done, notices, before, back, keeps)
        except LlmswitchError as error:
            first = f"Switched before it: {', '.join(ended)}." if ended else ""
            error.changed = " ".join(filter(None, (saved, first))) or error.changed
            raise
        ended.append(checkout.root)
