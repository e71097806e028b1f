"""``python -m callcamp`` is the command ``callcamp``."""

from callcamp.cli import main

main()
