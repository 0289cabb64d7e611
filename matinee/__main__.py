"""``python -m matinee``: the command line."""

from matinee.cli import main

if __name__ == "__main__":  # a worker of the server imports this file under another name
    main()
