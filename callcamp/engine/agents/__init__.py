"""Agents at work: their states, their phones, and the calls they get."""

from __future__ import annotations
