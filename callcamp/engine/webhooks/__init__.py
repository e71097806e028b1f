"""Webhooks: telling other programs what happens, and seeing to it that they learn it."""

from callcamp.engine.webhooks.deliverer import Deliverer
from callcamp.engine.webhooks.desk import Webhooks
from callcamp.engine.webhooks.sender import Sender

__all__ = ["Deliverer", "Sender", "Webhooks"]
