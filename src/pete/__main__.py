"""`python -m pete`: the command line."""

from pete.cli import main

if __name__ == "__main__":
    main()
