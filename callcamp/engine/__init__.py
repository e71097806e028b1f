"""The engine: use-cases, dialer, tracker, reconciliation."""
