"""What one session used so far, from its own transcripts: for a status line, so it imports as little as it can."""

from __future__ import annotations

import os
from collections.abc import Sequence

from llmswitch.presets.catalog import Catalog
from llmswitch.settings.entries import entries
from llmswitch.usage import index as indexes
from llmswitch.usage.attribution import Attribution
from llmswitch.usage.cost import Pricer
from llmswitch.usage.homes import Homes
from llmswitch.usage.index import Index
from llmswitch.usage.row import Row

SHORT = 0.5  # seconds that a status line waits for another that is reading


def used(session: str, files: Sequence[tuple[str, os.stat_result]], catalog: Catalog, state_folder: str) -> Row:
    """Return what a session used; of others nothing is read or kept. LlmswitchError where the index cannot be used."""

    def work(index: Index) -> Row:
        index.update_some([(path, session, status) for path, status in files])
        row, found = Row({}), index.sessions(session)
        for number, each in found.items():
            about = [text for text in (session, each.worktree, each.repository) if text]
            attribution, pricer = Attribution(entries(state_folder, about=about)), Pricer(catalog)
            cuts = attribution.cuts(each)
            for part in index.parts([number], 0, lambda _, cuts=cuts: cuts, pricer.fine, False):  # type: ignore[misc]
                row.add(part, session, pricer.cost(part, attribution.at(each, part.time)))
        return row

    return indexes.worked(state_folder, Homes(lambda: entries(state_folder)), work, SHORT)
