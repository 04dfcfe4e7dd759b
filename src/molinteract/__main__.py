"""``python -m molinteract``: the same as the command ``molinteract``."""

from molinteract.app.cli.main import main

if __name__ == "__main__":  # processes that a command spawns import this file as well
    main()
