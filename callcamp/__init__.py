"""callcamp: outbound call campaigns for people who run Asterisk."""

__version__ = "0.1.0"
