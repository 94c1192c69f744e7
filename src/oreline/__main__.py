"""`python -m oreline`: the command line, where the `oreline` script is not on the path."""

from __future__ import annotations

from oreline.cli.main import main

if __name__ == "__main__":
    main()
