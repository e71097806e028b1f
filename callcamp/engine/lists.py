"""Every use-case on what is on record beside campaigns, in one place."""

from __future__ import annotations

from callcamp.engine.consents import Consents
from callcamp.engine.directory import Directory
from callcamp.engine.do_not_call import DoNotCall
from callcamp.engine.outbound import OutboundNumbers
from callcamp.engine.outcomes import Outcomes


class Lists(DoNotCall, Consents, OutboundNumbers, Outcomes, Directory):
    """Do-not-call lists, consents, outbound numbers, custom dispositions, filters, people."""
