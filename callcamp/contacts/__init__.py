"""Files in and out: contacts from spreadsheets, reports to spreadsheets.

Nothing here knows the database or the event loop. Reading happens in a process of its own
(:mod:`callcamp.contacts.child`), because a file can be hostile and is always slow.
"""
