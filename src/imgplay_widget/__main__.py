"""`python -m imgplay_widget`, which is the command `imgplay`."""

import sys

from imgplay_widget._command.main import main

if __name__ == "__main__":
    sys.exit(main())
